"""A loaded model that turns audio into transcripts."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from functools import partial
from types import TracebackType
from typing import Self

from eclectus.core.config import ModelConfig
from eclectus.core.errors import EclectusError
from eclectus.core.options import TranscribeOptions
from eclectus.core.protocols import AcousticModel, Tokenizer
from eclectus.core.types import Audio, Hypothesis, Progress, Transcript
from eclectus.recognition.assemble import assemble
from eclectus.recognition.batching import BatchRunner
from eclectus.recognition.longform import make_plan
from eclectus.recognition.pauses import find_pause
from eclectus.recognition.pool import Pending, fill_pools, in_order, recognise_pools
from eclectus.recognition.reader import Opener, read_sources
from eclectus.search.choose import make_search
from eclectus.signal.decode import AudioSource, open_audio
from eclectus.signal.logmel import LogMel

OnProgress = Callable[[Progress], None]


@dataclass(frozen=True, slots=True, eq=False)
class Outcome:
    """What came of one source of many.

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
    def options(self) -> TranscribeOptions:
        """What is used where a call gives no options of its own."""
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
        options = options or self._options
        opener = self._opener(source, sample_rate, options)
        (found,) = self._sources([opener], options, on_progress)
        return self._transcript(source, found, options)

    def transcribe_many(
        self,
        sources: Iterable[AudioSource],
        *,
        options: TranscribeOptions | None = None,
        on_progress: OnProgress | None = None,
    ) -> Iterator[Outcome]:
        """Transcribe many sources, the windows of all sorted by length into batches.

        Lazy: sources are read as the results are asked for, some minutes of audio ahead.

        Args:
            sources: As for `transcribe`.
            options: Instead of the recogniser's own.
            on_progress: Called with the `Progress` of a source after each batch.

        Yields:
            One outcome a source, in order; a source that fails does so alone.

        Raises:
            OptionError: An option is impossible with this model.
        """
        options = options or self._options
        given = list(sources)
        openers = [self._opener(source, None, options) for source in given]
        for source, found in zip(given, self._sources(openers, options, on_progress), strict=True):
            if found.error is not None:
                yield Outcome(source, None, found.error)
            else:
                yield Outcome(source, self._transcript(source, found, options), None)

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
        options = options or self._options
        opener = self._opener(source, sample_rate, options)
        (found,) = self._sources([opener], options, None)
        if found.error is not None:
            raise found.error
        return found.stitcher.finish()

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

    def _opener(
        self, source: AudioSource, sample_rate: int | None, options: TranscribeOptions
    ) -> Opener:
        target = self.config.time_base.sample_rate
        return partial(
            open_audio, source, options.audio, sample_rate=sample_rate, target_rate=target
        )

    def _sources(
        self, openers: list[Opener], options: TranscribeOptions, on_progress: OnProgress | None
    ) -> Iterator[Pending]:
        """Recognise sources and return them in order."""
        search = make_search(self._model, options.search)
        runner = BatchRunner(self._model, search, self._features, options.batch)
        plan = make_plan(options.long_form, self.config)
        frame = self.config.time_base.samples_per_frame
        entries = read_sources(openers, plan, frame, self._starts_word, find_pause)
        capacity = int(options.batch.max_audio_s * self.config.time_base.sample_rate)
        pooled = fill_pools(entries, capacity)
        try:
            yield from in_order(recognise_pools(pooled, runner, frame, self._reporter(on_progress)))
        finally:
            entries.close()

    def _reporter(self, on_progress: OnProgress | None) -> Callable[[Pending], None]:
        rate = self.config.time_base.sample_rate

        def report(source: Pending) -> None:
            if on_progress is not None:
                on_progress(Progress(source.index, source.samples / rate, source.duration_s))

        return report

    def _starts_word(self, token_id: int) -> bool:
        return self._tokenizer.piece(token_id).startswith(" ")

    def _transcript(
        self, source: AudioSource, found: Pending, options: TranscribeOptions
    ) -> Transcript:
        if found.error is not None:
            raise found.error
        seconds = found.samples / self.config.time_base.sample_rate
        start_s = source.start if isinstance(source, Audio) else 0.0
        hypothesis = found.stitcher.finish()
        return assemble(hypothesis, seconds, self.config, self._tokenizer, options, start_s)
