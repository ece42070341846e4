"""A speech-to-text service for Pipecat: `pip install 'eclectus[pipecat]'`.

Examples:
    >>> from eclectus.integrations.pipecat import EclectusSTTService
    >>> stt = EclectusSTTService()
"""

from __future__ import annotations

import asyncio
import time
from collections import deque
from collections.abc import AsyncGenerator, Sequence
from dataclasses import dataclass, replace
from typing import Any, TypeAlias

import numpy as np

from eclectus.api import Model
from eclectus.config.schema import Settings as Configuration
from eclectus.config.settings import load_settings
from eclectus.core.errors import EclectusError, OptionError
from eclectus.core.options import EndpointOptions, StreamOptions
from eclectus.core.types import FloatArray, Word
from eclectus.integrations.shared import Ears, borrow, give_back
from eclectus.integrations.turns import TurnListener
from eclectus.models.catalog import BUILTIN_NAME
from eclectus.streaming.events import Endpoint, Event, Final, Partial, SpeechStarted

try:
    from pipecat.frames.frames import (
        CancelFrame,
        EndFrame,
        Frame,
        InterimTranscriptionFrame,
        ProposedUserStartedSpeakingFrame,
        ProposedUserStoppedSpeakingFrame,
        StartFrame,
        STTMetadataFrame,
        TranscriptionFrame,
        VADUserStartedSpeakingFrame,
        VADUserStoppedSpeakingFrame,
    )
    from pipecat.processors.frame_processor import FrameDirection, FrameProcessorSetup
    from pipecat.services.settings import STTSettings
    from pipecat.services.stt_service import STTService
    from pipecat.transcriptions.language import Language
    from pipecat.turns.user_turn_strategies import ExternalUserTurnStrategies
    from pipecat.utils.time import time_now_iso8601
    from pipecat.utils.tracing.service_decorators import traced_stt

    from eclectus.integrations.pipecat_settings import LIVE, EclectusSTTSettings, bot_settings
except ImportError as error:
    raise ImportError("Pipecat is not installed: pip install 'eclectus[pipecat]'") from error

__all__ = ["EclectusSTTService", "EclectusSTTSettings", "bot_settings"]

_VAD_STOP_S = 0.2
"""Silence after which Pipecat's VAD, as it is set by default, says that speech has stopped."""


@dataclass(frozen=True, slots=True)
class _TurnStarted:
    """The VAD heard speech that began this many seconds ago."""

    lead_s: float


class _TurnEnded:
    """The VAD heard that speech has stopped."""


@dataclass(frozen=True, slots=True)
class _NewSettings:
    """Settings have changed from these."""

    before: STTSettings


class _Stop:
    """Nothing follows."""


_Order: TypeAlias = FloatArray | _TurnStarted | _TurnEnded | _NewSettings | _Stop


class EclectusSTTService(STTService):
    """Parakeet models in the bot's own process, with interim and finalized transcriptions.

    Each stretch of speech that Pipecat's VAD finds becomes one `TranscriptionFrame`, finalized as
    soon as the VAD says that speech has stopped. The words with their times, in seconds since the
    start of the pipeline's audio, are in its `result`. The model computes in a thread that all
    services of one model share; the event loop never waits for it.
    """

    Settings = EclectusSTTSettings
    _settings: EclectusSTTSettings

    def __init__(
        self,
        *,
        model: Model | None = None,
        configuration: Configuration | None = None,
        own_turns: bool = False,
        ttfs_p99_latency: float | None = None,
        settings: EclectusSTTSettings | None = None,
        **kwargs: Any,
    ) -> None:
        """Prepare the service; the model is loaded while the pipeline starts.

        Args:
            model: A loaded model, which stays the caller's; None to load `settings.model` while
                services use it.
            configuration: See `bot_settings`; None for what eclectus is configured to by its file,
                `.env` and environment.
            own_turns: Whether eclectus itself finds where turns begin and end, for pipelines
                without a VAD; the service then proposes turns to the aggregator.
            ttfs_p99_latency: Seconds from the end of speech to the final transcription, for
                turn strategies; None to measure it on this machine while the pipeline starts.
            settings: Over `configuration`; may change at run time.
            **kwargs: For `STTService`.

        Raises:
            OptionError: The configuration is impossible.
        """
        self._configuration = configuration or load_settings().settings
        self._given_model = model
        live = self._configuration.live
        name = self._configuration.model or BUILTIN_NAME if model is None else model.config.name
        chosen = EclectusSTTSettings(
            model=name, language=None, **{key: getattr(live, key) for key in LIVE}
        )
        if settings is not None:
            chosen.apply_update(settings)
        if model is not None and chosen.model != name:
            raise OptionError("either a loaded model or the name of one, not both")
        super().__init__(settings=chosen, ttfs_p99_latency=ttfs_p99_latency, **kwargs)
        self._measure = ttfs_p99_latency is None
        self._own_turns = own_turns
        self._ears: Ears | None = None
        self._listener: TurnListener | None = None
        self._inbox: deque[_Order] = deque()
        self._wake = asyncio.Event()
        self._worker: asyncio.Task[None] | None = None
        self._words: list[Word] = []

    # What Pipecat asks

    def can_generate_metrics(self) -> bool:
        """Tell Pipecat that there are metrics: TTFB, and as processing the last computation."""
        return True

    def language_to_service_language(self, language: Language) -> str | None:
        """Return the ISO 639-1 code of a language: `en` for `en-GB`."""
        return str(language.value).split("-")[0]

    @property
    def supports_ttfs(self) -> bool:
        """Whether a final follows a VAD's decision; not if eclectus decides itself."""
        return not self._own_turns

    def service_metadata_frame(self) -> STTMetadataFrame:
        """Return the latency, and with `own_turns` the strategies that follow the proposals."""
        frame = super().service_metadata_frame()
        if self._own_turns:
            frame.user_turn_strategies = ExternalUserTurnStrategies()
        return frame

    async def setup(  # type: ignore[override]  # as FrameProcessor itself overrides its base
        self, setup: FrameProcessorSetup
    ) -> None:
        """Load the model and measure it.

        Raises:
            EclectusError: The model can't be loaded, or an option is impossible.
        """
        await super().setup(setup)
        await self._listen_with(self._given_model or str(self._settings.model))

    async def start(self, frame: StartFrame) -> None:
        """Begin to listen."""
        await super().start(frame)
        listener = TurnListener(self._in_use, self.sample_rate)
        self._worker = self.create_task(self._work(listener), name="eclectus")

    async def stop(self, frame: EndFrame) -> None:
        """Push what is left, then end."""
        if self._worker is not None:
            self._order(_Stop())
            await self._worker
        await super().stop(frame)

    async def cancel(self, frame: CancelFrame) -> None:
        """End at once."""
        await super().cancel(frame)
        await self._cancel_worker()

    async def cleanup(self) -> None:
        """Let go of the model."""
        await super().cleanup()
        await self._cancel_worker()
        if self._ears is not None:
            ears, self._ears = self._ears, None
            await asyncio.to_thread(give_back, ears)

    async def run_stt(self, audio: bytes) -> AsyncGenerator[Frame | None, None]:
        """Take audio; transcriptions are pushed when they are there."""
        samples: FloatArray = np.frombuffer(audio, "<i2").astype(np.float32) / np.float32(32768)
        self._order(samples)
        yield None

    async def process_frame(self, frame: Frame, direction: FrameDirection) -> None:
        """Follow the VAD besides what every service does."""
        await super().process_frame(frame, direction)
        if self._own_turns:
            return
        if isinstance(frame, VADUserStartedSpeakingFrame):
            self._order(_TurnStarted(frame.start_secs))
        elif isinstance(frame, VADUserStoppedSpeakingFrame):
            self._order(_TurnEnded())

    async def _update_settings(  # type: ignore[override]  # as STTService itself
        self, delta: STTSettings
    ) -> dict[str, Any]:
        before = self._settings.copy()
        changed = await super()._update_settings(delta)
        if self._ears is None:
            return changed
        try:
            self._in_use.model.stream(self._options())
        except OptionError as error:
            self._settings.apply_update(before)
            await self.push_error(str(error), exception=error)
            return {}
        if changed:
            self._order(_NewSettings(before))
        if "language" in changed:
            self._check_language()
        return changed

    # The worker: one order after the other

    @property
    def _in_use(self) -> Ears:
        assert self._ears is not None, "setup comes first"
        return self._ears

    def _order(self, order: _Order) -> None:
        self._inbox.append(order)
        self._wake.set()

    async def _cancel_worker(self) -> None:
        if self._worker is not None:
            worker, self._worker = self._worker, None
            await self.cancel_task(worker)

    async def _work(self, listener: TurnListener) -> None:
        self._listener = listener
        while True:
            if not self._inbox:
                self._wake.clear()
                await self._wake.wait()
            order = self._next_order()
            try:
                await self._obey(order, listener)
            except EclectusError as error:
                listener.drop()
                self._words = []
                await self.push_error(str(error), exception=error)
            if isinstance(order, _Stop):
                return

    def _next_order(self) -> _Order:
        """Take the first order; audio together with the audio behind it."""
        order = self._inbox.popleft()
        if not isinstance(order, np.ndarray):
            return order
        pieces = [order]
        while self._inbox and isinstance(piece := self._inbox[0], np.ndarray):
            pieces.append(piece)
            self._inbox.popleft()
        return np.concatenate(pieces)

    async def _obey(self, order: _Order, listener: TurnListener) -> None:
        if isinstance(order, np.ndarray):
            if self._own_turns:
                await listener.begin(self._options(), 0.0)
            await self._tell(await listener.hear(order), listener)
        elif isinstance(order, _TurnStarted):
            lead_s = order.lead_s + self._configuration.endpoint.pre_roll_s
            await self._tell(await listener.begin(self._options(), lead_s), listener)
        elif isinstance(order, _NewSettings):
            await self._renew(order.before, listener)
        else:
            await self._end_turn(listener)

    async def _end_turn(self, listener: TurnListener) -> None:
        if not listener.in_turn:
            return
        await self.start_processing_metrics()
        await self._tell(await listener.end(), listener)
        await self.stop_processing_metrics()
        await self._push_final(listener)

    def _options(self) -> StreamOptions:
        options = self._configuration.stream
        chosen: dict[str, Any] = {key: getattr(self._settings, key) for key in LIVE}
        endpoint = options.endpoint if self._own_turns else EndpointOptions(enabled=False)
        return replace(options, live=replace(options.live, **chosen), endpoint=endpoint)

    async def _listen_with(self, model: Model | str) -> None:
        """Take another model; this one stays if that one can't be had."""
        ears = await asyncio.to_thread(borrow, model, self._configuration)
        try:
            if self._measure:
                delay = await asyncio.to_thread(ears.delay, self._options())
                # A draft may be under way when the VAD speaks.
                self._ttfs_p99_latency = round(_VAD_STOP_S + 2 * delay, 3)
        except EclectusError:
            await asyncio.to_thread(give_back, ears)
            raise
        before, self._ears = self._ears, ears
        if before is not None:
            await asyncio.to_thread(give_back, before)
        self._check_language()

    async def _renew(self, before: STTSettings, listener: TurnListener) -> None:
        """Follow new settings, where the turn that is under way must know of them."""
        if self._own_turns or before.model != self._settings.model:
            await self._end_turn(listener)
        if before.model == self._settings.model:
            return
        try:
            await self._listen_with(str(self._settings.model))
        except EclectusError:
            self._settings.model = before.model
            self._sync_model_name_to_metrics()
            raise
        listener.ears = self._in_use
        await self.broadcast_service_metadata()

    def _check_language(self) -> None:
        language, known = self._settings.language, self._in_use.model.config.languages
        if language and known and language not in known:
            self._warn_unhandled_updated_settings([f"language={language}"])

    # What there is to tell

    async def _tell(self, events: Sequence[Event], listener: TurnListener) -> None:
        for event in events:
            if isinstance(event, Final):
                self._words += event.words
            elif isinstance(event, Partial):
                await self._push_interim(listener.place([*self._words, *event.words]))
            elif isinstance(event, SpeechStarted):
                await self.broadcast_frame(ProposedUserStartedSpeakingFrame)
            elif isinstance(event, Endpoint) and self._own_turns:
                # As the base class does at a VAD's word.
                await self.start_ttfb_metrics(start_time=time.time() - listener.age(event.at))
                await self._push_final(listener)
                await self.broadcast_frame(ProposedUserStoppedSpeakingFrame)

    async def _push_interim(self, words: tuple[Word, ...]) -> None:
        if words:
            frame = InterimTranscriptionFrame(
                _text(words), self._user_id, time_now_iso8601(), self._language(), words
            )
            await self.push_frame(frame)

    async def _push_final(self, listener: TurnListener) -> None:
        words, self._words = listener.place(self._words), []
        await self.emit_stt_usage_metrics()
        if not words:
            await self.cancel_ttfb_metrics()
            return
        frame = TranscriptionFrame(
            _text(words), self._user_id, time_now_iso8601(), self._language(), words, finalized=True
        )
        await self.push_frame(frame)
        await self._handle_transcription(frame.text, True, frame.language)

    @traced_stt
    async def _handle_transcription(
        self,
        transcript: str,
        is_final: bool,
        language: Language | None = None,
    ) -> None:
        """Give the tracer what it records."""

    def _language(self) -> Language | None:
        known = self._in_use.model.config.languages
        code = self._settings.language or (known[0] if len(known) == 1 else None)
        return Language(code) if code in set(Language) else None


def _text(words: tuple[Word, ...]) -> str:
    return " ".join(word.text for word in words)
