"""A loaded model that turns audio into transcripts."""

from __future__ import annotations

import os
from collections.abc import Callable, Generator, Iterable
from contextlib import closing
from dataclasses import dataclass
from functools import partial
from types import TracebackType
from typing import Self

from eclectus.core.errors import EclectusError, OptionError
from eclectus.core.model_config import ModelConfig
from eclectus.core.option_spec import instance
from eclectus.core.options import TranscribeOptions
from eclectus.core.protocols import AcousticModel, Tokenizer
from eclectus.core.types import Audio, Hypothesis, Transcript
from eclectus.recognition.batching import BatchRunner
from eclectus.recognition.longform import Plan, make_plan
from eclectus.recognition.pauses import find_pause
from eclectus.recognition.pending import Pending
from eclectus.recognition.reader import Cutting, SourceOpener
from eclectus.recognition.settling import Settling
from eclectus.recognition.stitch import Stitcher
from eclectus.recognition.window_driver import OnProgress, WindowDriver
from eclectus.recognition.windowed_source import WindowedSource
from eclectus.search.choose import make_search
from eclectus.signal.decode import AudioSource, open_audio
from eclectus.signal.given_samples import is_array
from eclectus.signal.logmel import LogMel
from eclectus.text.model_languages import check_language
from eclectus.text.speller import Speller

_SINGLE = (str, bytes, bytearray, memoryview, os.PathLike, Audio)


@dataclass(frozen=True, slots=True, eq=False)
class Outcome:
    """The result of one source of many.

    Attributes:
        source: As it was given.
        transcript: None if it failed.
        error: Why it failed, None if it did not.
    """

    source: AudioSource
    transcript: Transcript | None
    error: EclectusError | None

    def unwrap(self) -> Transcript:
        """Return the transcript.

        Raises:
            EclectusError: The source's own error.
        """
        if self.error is not None:
            raise self.error
        assert self.transcript is not None
        return self.transcript


class Recognizer:
    """A model with its vocabulary and its options, ready to transcribe.

    Immutable but for the model's own engine, so threads may share it. It is a context manager;
    leaving it frees the model.
    """

    def __init__(
        self,
        model: AcousticModel,
        tokenizer: Tokenizer,
        options: TranscribeOptions = TranscribeOptions(),  # noqa: B008 - frozen
    ) -> None:
        """Wrap a loaded model; `eclectus.load` does this from a name."""
        self._model = model
        self._tokenizer = tokenizer
        self._options = options
        self._features = LogMel(model.config.mel_bins)

    @property
    def config(self) -> ModelConfig:
        """The model's card."""
        return self._model.config

    @property
    def acoustic(self) -> AcousticModel:
        """The network."""
        return self._model

    @property
    def tokenizer(self) -> Tokenizer:
        """The vocabulary."""
        return self._tokenizer

    @property
    def options(self) -> TranscribeOptions:
        """The options of calls that pass none."""
        return self._options

    def transcribe(
        self,
        source: AudioSource,
        *,
        sample_rate: int | None = None,
        options: TranscribeOptions | None = None,
        on_progress: OnProgress | None = None,
    ) -> Transcript:
        """Transcribe one source of audio.

        Args:
            source: A path, `-` for standard input, bytes, a binary file, an array of samples, (N,)
                or (N, channels), or an `Audio`.
            sample_rate: Of an array, in Hz; 16,000 if not given.
            options: Instead of the recogniser's own.
            on_progress: Called with the `Progress` after each batch of windows.

        Returns:
            The transcript; without segments where nothing was said.

        Raises:
            AudioError: The source can't be read.
            OptionError: An option is impossible with this model or source.
            BackendError: The engine failed.
        """
        (found,) = self._run([source], self._own(options), sample_rate, on_progress)
        return found.transcript()

    def transcribe_many(
        self,
        sources: Iterable[AudioSource],
        *,
        options: TranscribeOptions | None = None,
        on_progress: OnProgress | None = None,
    ) -> Generator[Outcome, None, None]:
        """Transcribe many sources, the windows of all sorted by length into batches.

        Lazy: sources are taken and read while the caller iterates, some minutes of audio ahead.
        Closing the generator early closes the open source.

        Args:
            sources: As for `transcribe`.
            options: Instead of the recogniser's own.
            on_progress: Called with the `Progress` of a source after each of its batches.

        Returns:
            A generator of one outcome a source, in order; a source that fails does so alone.

        Raises:
            OptionError: An option is impossible with this model, or there is one source instead
                of many.
        """
        if isinstance(sources, _SINGLE) or is_array(sources) or hasattr(sources, "read"):
            raise OptionError("transcribe_many takes a list of sources; use transcribe for one.")
        return _outcomes(self._run(sources, self._own(options), None, on_progress))

    def hypothesis(
        self,
        source: AudioSource,
        *,
        sample_rate: int | None = None,
        options: TranscribeOptions | None = None,
    ) -> Hypothesis:
        """Return token ids, frames and durations of one source, without text and time.

        Raises:
            EclectusError: As for `transcribe`.
        """
        (found,) = self._run([source], self._own(options), sample_rate)
        if found.pending.error is not None:
            raise found.pending.error
        return found.pending.stitcher.finish()

    def windowed(
        self,
        source: AudioSource,
        *,
        sample_rate: int | None = None,
        options: TranscribeOptions | None = None,
        open_source: SourceOpener = open_audio,
    ) -> WindowedSource:
        """Return a source whose windows the caller passes to a `driver`.

        A server uses this to put the windows of many clients into one batch.

        Args:
            source: As for `transcribe`.
            sample_rate: Of an array, in Hz.
            options: Instead of the recogniser's own.
            open_source: Opens the source as `open_audio` does.

        Raises:
            OptionError: An option is impossible with this model.
        """
        options = self._own(options)
        plan = make_plan(options.long_form, self.config)
        return self._windowing(options, plan, sample_rate, open_source)(source, 0)

    def driver(self, options: TranscribeOptions | None = None) -> WindowDriver:
        """Return what recognises windows, in batches, with the search of the options.

        Args:
            options: Instead of the recogniser's own.
        """
        search = make_search(self._model, self._own(options).search)
        runner = BatchRunner(self._model, search, self._features)
        return WindowDriver(runner, self.config.time_base)

    def close(self) -> None:
        """Free the model; safe to call twice."""
        self._model.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.close()

    def _run(
        self,
        sources: Iterable[AudioSource],
        options: TranscribeOptions,
        sample_rate: int | None = None,
        on_progress: OnProgress | None = None,
    ) -> Generator[WindowedSource, None, None]:
        """Check the options at once, then recognise sources in order as they are taken."""
        plan = make_plan(options.long_form, self.config)
        begin = self._windowing(options, plan, sample_rate)
        begun = (begin(source, index) for index, source in enumerate(sources))
        return self.driver(options).run_in_order(begun, options.batch, plan.window, on_progress)

    def _windowing(
        self,
        options: TranscribeOptions,
        plan: Plan,
        sample_rate: int | None,
        open_source: SourceOpener = open_audio,
    ) -> Callable[[AudioSource, int], WindowedSource]:
        """Check the language; return what divides a source, given its position among others."""
        check_language(options.language, self.config)
        base = self.config.time_base
        cutting = Cutting(plan, base.samples_per_frame, find_pause)
        speller = self._speller(options)
        finish = partial(self._transcript, speller=speller, options=options)

        def begin(source: AudioSource, index: int) -> WindowedSource:
            opener = partial(
                open_source,
                source,
                options.audio,
                sample_rate=sample_rate,
                target_rate=base.sample_rate,
            )
            settling = Settling(
                speller, plan.overlap // base.samples_per_frame, base.sample_rate, _start_s(source)
            )
            pending = Pending(source, index, Stitcher(self._starts_word))
            return WindowedSource(pending, opener, cutting, finish, settling)

        return begin

    def _own(self, options: TranscribeOptions | None) -> TranscribeOptions:
        return self._options if options is None else instance(options, TranscribeOptions, "options")

    def _starts_word(self, token_id: int) -> bool:
        return self._tokenizer.piece(token_id).startswith(" ")

    def _transcript(
        self, found: Pending, *, speller: Speller, options: TranscribeOptions
    ) -> Transcript:
        if found.error is not None:
            raise found.error
        seconds = found.samples / self.config.time_base.sample_rate
        return speller.transcript(
            found.stitcher.finish(), seconds, _start_s(found.source), options.language
        )

    def _speller(self, options: TranscribeOptions) -> Speller:
        return Speller(self.config, self._tokenizer, options.confidence, options.segments)


def _outcomes(found: Generator[WindowedSource, None, None]) -> Generator[Outcome, None, None]:
    with closing(found):
        for one in found:
            error = one.pending.error
            transcript = None if error is not None else one.transcript()
            yield Outcome(one.pending.source, transcript, error)


def _start_s(source: AudioSource) -> float:
    return source.start if isinstance(source, Audio) else 0.0
