"""What a server does, without any wire: files to transcripts, live audio to events."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import asynccontextmanager
from dataclasses import dataclass, replace
from typing import BinaryIO

from eclectus.config.schema import Settings
from eclectus.core.errors import DeadlineError, EclectusError
from eclectus.core.options import StreamOptions, TranscribeOptions
from eclectus.core.timebase import SAMPLE_RATE
from eclectus.core.types import Progress, Transcript, Word
from eclectus.service.admission import Admission
from eclectus.service.fetch import Fetcher, FetchLimits
from eclectus.service.lag import watch_lag
from eclectus.service.live import LiveStream
from eclectus.service.meter import LiveMeter
from eclectus.service.model_pool import ModelPool, Served
from eclectus.service.telemetry import Stopwatch
from eclectus.service.tracing import Tracer, open_tracer
from eclectus.signal.decode import AudioSource

_SWEEP_S = 5.0
_LAST_WORDS_S = 2.0
"""So much of the time to drain, a quarter at most, is for the last words of streams."""


@dataclass(frozen=True, slots=True, kw_only=True)
class FileRequest:
    """A file to transcribe.

    Attributes:
        source: What `Recognizer.transcribe` takes; it stays open until the call returns.
        model: Name of a served model; None for the default one.
        client: Whose request it is: a key or an address.
        options: What shapes the transcript; None for the server's.
        sample_rate: Of an array of samples, in Hz.
        on_progress: Called from another thread as windows are done.
        on_words: Called so with the words that are settled; in the end they are the transcript's.
    """

    source: AudioSource
    model: str | None = None
    client: str = ""
    options: TranscribeOptions | None = None
    sample_rate: int | None = None
    on_progress: Callable[[Progress], None] = lambda _: None
    on_words: Callable[[tuple[Word, ...]], None] | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class StreamRequest:
    """A live stream to follow.

    Attributes:
        protocol: Name of the wire, for metrics.
        model: Name of a served model; None for the default one.
        client: Whose stream it is: a key or an address.
        options: Contexts, drafts, endpoints; None for the server's.
        language: ISO 639-1 code of the language that is spoken, if known, also with a region: a
            hint.
        strict_language: Whether a language that the model does not know is refused, as for files;
            otherwise it is ignored.
        sample_rate: Of the samples that will be pushed, in Hz.
        stall_flush_s: See `LiveStream`.
    """

    protocol: str
    model: str | None = None
    client: str = ""
    options: StreamOptions | None = None
    language: str | None = None
    strict_language: bool = False
    sample_rate: int = SAMPLE_RATE
    stall_flush_s: float | None = None


class SpeechService:
    """The use cases of a server; one a process, on one event loop."""

    def __init__(
        self, settings: Settings, *, pool: ModelPool | None = None, tracer: Tracer | None = None
    ) -> None:
        """Prepare; nothing is loaded before `start`.

        Args:
            settings: All of the process's.
            pool: Its models; None to load them by the settings.
            tracer: Where spans go; None for the process's own.
        """
        self.settings = settings
        self.pool = pool or ModelPool(settings)
        self.telemetry = self.pool.telemetry
        self.tracer = tracer or open_tracer()
        server = settings.server
        self._files = Admission("places for files", server.max_files, server.max_files_per_client)
        self._fetcher = Fetcher()
        self._dismissing = False
        # What waits here for a model, a decoder or a disk is bounded by what is admitted: with
        # fewer threads a few clients could hold up all others.
        self._threads = ThreadPoolExecutor(server.max_files + server.max_sessions + 8, "eclectus")
        self._streams = Admission(
            "live streams", server.max_sessions, server.max_sessions_per_client
        )
        self._first: Future[Served] | None = None
        self._ready = False
        self._live: set[LiveStream] = set()
        self._watchers: list[asyncio.Task[None]] = []

    @property
    def ready(self) -> bool:
        """Whether the default model answers and nobody has told the service to end."""
        return self._ready

    @property
    def sessions(self) -> int:
        """Live streams that are open."""
        return self._streams.inside

    @property
    def files(self) -> int:
        """Files that wait or are in work."""
        return self._files.inside

    def preload(self) -> None:
        """Begin to load the default model now; `start` tells what went wrong, if anything did."""
        one = ThreadPoolExecutor(1, thread_name_prefix="preload")
        self._first = one.submit(self.pool.borrow, self.pool.default)
        one.shutdown(wait=False)

    async def start(self) -> None:
        """Load the default model, unless `preload` does so already, and let it answer once.

        Raises:
            EclectusError: It can't be loaded.
        """
        if self._first is None:
            self.preload()
        assert self._first is not None
        asyncio.get_running_loop().set_default_executor(self._threads)
        self.pool.give_back(await asyncio.wrap_future(self._first))
        self._watchers = [
            asyncio.create_task(self._sweep()),
            asyncio.create_task(watch_lag(self.telemetry.lag_s.observe)),
        ]
        self._ready = True
        self.telemetry.ready.set(1)

    async def transcribe(self, request: FileRequest) -> Transcript:
        """Transcribe a file. Cancelling the call stops the work.

        Raises:
            CapacityError: There are too many files.
            DeadlineError: It took longer than `processing_timeout_s`.
            EclectusError: As for `Recognizer.transcribe`.
        """
        with (
            self._files.enter(request.client),
            self.telemetry.file(),
            self.tracer.span("eclectus.transcribe") as span,
        ):
            async with self.model(request.model) as served:
                watch = Stopwatch()
                transcript = await self._work(served, request)
            span.note(eclectus__model=served.name, eclectus__audio_s=transcript.duration)
        self.telemetry.recognised("file", served.name, transcript.duration)
        self.telemetry.rtfx.observe(transcript.duration / max(watch.seconds, 1e-6))
        return transcript

    async def fetch(self, url: str, client: str) -> BinaryIO:
        """Fetch a file from the web, as one of the files of a client. Cancelling the call ends it.

        Raises:
            CapacityError: There are too many files.
            AudioError: The address gives none, or one that is too large.
        """
        limits = FetchLimits(round(self.settings.server.max_upload_mb * 1e6))
        with self._files.enter(client):
            return await self._fetcher.fetch(url, limits)

    async def _work(self, served: Served, request: FileRequest) -> Transcript:
        ticket = served.files.submit(
            request.source,
            client=request.client,
            options=request.options,
            sample_rate=request.sample_rate,
            on_progress=request.on_progress,
            on_words=request.on_words,
        )
        limit = self.settings.server.processing_timeout_s
        try:
            async with asyncio.timeout(limit):
                return await asyncio.wrap_future(ticket.future)
        except TimeoutError as error:
            if isinstance(error, EclectusError):
                raise
            raise DeadlineError(
                f"the file took longer than {limit:g} s; send a shorter one", limit_s=limit
            ) from error
        finally:
            ticket.future.cancel()
            # The caller may close the source as soon as this returns.
            await asyncio.shield(asyncio.to_thread(ticket.released.wait))

    @asynccontextmanager
    async def stream(self, request: StreamRequest) -> AsyncIterator[LiveStream]:
        """Open a live stream for as long as the context lasts.

        Raises:
            CapacityError: There are too many.
            OptionError: An option is impossible.
            ModelError: There is no such model, or it can't be loaded.
        """
        with (
            self._streams.enter(request.client),
            self.telemetry.session(request.protocol),
            self.tracer.span("eclectus.stream", eclectus__protocol=request.protocol) as span,
        ):
            async with self.model(request.model) as served:
                live = self._open(served, request)
                served.gate.enter()
                self._live.add(live)
                if self._dismissing:
                    await live.dismiss()
                try:
                    yield live
                finally:
                    self._live.discard(live)
                    served.gate.leave()
                    span.note(eclectus__model=served.name, eclectus__audio_s=live.duration)
                    self.telemetry.recognised("stream", served.name, live.duration)

    def _open(self, served: Served, request: StreamRequest) -> LiveStream:
        options = replace(request.options or self.settings.stream, search=self.settings.search)
        language = (request.language or "").partition("-")[0].lower()
        if language in served.model.config.languages or (language and request.strict_language):
            options = replace(options, language=language)
        session = served.model.stream(options, sample_rate=request.sample_rate)
        meter = LiveMeter(
            self.telemetry,
            sample_rate=request.sample_rate,
            silence_s=options.endpoint.silence_s,
        )
        return LiveStream(
            session,
            served.streams,
            meter=meter,
            sample_rate=request.sample_rate,
            max_buffered_s=self.settings.server.max_buffered_s,
            stall_flush_s=request.stall_flush_s,
        )

    @asynccontextmanager
    async def model(self, name: str | None = None) -> AsyncIterator[Served]:
        """Hold a model for as long as the context lasts, loaded first if need be.

        Raises:
            ModelError: There is no such model, or it can't be loaded.
        """
        served = await self._borrow(name or self.pool.default)
        self.telemetry.models.set(len(self.pool.loaded))
        try:
            yield served
        finally:
            self.pool.give_back(served)

    async def _borrow(self, name: str) -> Served:
        """Borrow a model; a caller that is cancelled while it loads gives it back."""
        borrowing = asyncio.get_running_loop().run_in_executor(None, self.pool.borrow, name)
        try:
            return await asyncio.shield(borrowing)
        except asyncio.CancelledError:
            borrowing.add_done_callback(self._return)
            raise

    def _return(self, borrowing: asyncio.Future[Served]) -> None:
        if not borrowing.cancelled() and borrowing.exception() is None:
            self.pool.give_back(borrowing.result())

    def transcribe_options(self, language: str | None = None) -> TranscribeOptions:
        """Return the server's options with a client's language."""
        return replace(self.settings.transcribe, language=language or self.settings.language)

    def stop_admitting(self) -> None:
        """Let nobody in any more; who is inside may go on."""
        self._ready = False
        self.telemetry.ready.set(0)
        self._files.close()
        self._streams.close()

    async def drain(self, grace_s: float) -> bool:
        """Wait until all streams and files have ended.

        Streams whose clients go on are ended shortly before the time is up: they get their last
        words.

        Returns:
            Whether they did within the time.
        """
        self.stop_admitting()
        last_words_s = min(_LAST_WORDS_S, grace_s / 4)
        if await self._empty(grace_s - last_words_s):
            return True
        self._dismissing = True  # those that are still opening too
        for live in tuple(self._live):
            await live.dismiss()
        return await self._empty(last_words_s)

    async def _empty(self, patience_s: float) -> bool:
        """Wait until nobody is inside; return whether that came to pass."""
        try:
            async with asyncio.timeout(patience_s):
                while self.sessions or self.files:
                    await asyncio.sleep(0.02)
        except TimeoutError:
            return False
        return True

    async def close(self) -> None:
        """Free all models."""
        self.stop_admitting()
        for watcher in self._watchers:
            watcher.cancel()
        await asyncio.gather(*self._watchers, return_exceptions=True)
        self._watchers.clear()
        self._fetcher.close()
        await asyncio.to_thread(self.pool.close)

    async def _sweep(self) -> None:
        while True:
            await asyncio.sleep(_SWEEP_S)
            if await asyncio.to_thread(self.pool.unload_idle):
                self.telemetry.models.set(len(self.pool.loaded))
