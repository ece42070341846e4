"""A loaded model that turns audio into transcripts."""

from __future__ import annotations

import os
from collections import deque
from collections.abc import Callable, Generator, Iterable, Iterator
from contextlib import closing
from dataclasses import dataclass
from functools import partial
from types import TracebackType
from typing import Self

import numpy as np

from eclectus.core.errors import EclectusError, OptionError
from eclectus.core.model_config import ModelConfig
from eclectus.core.options import TranscribeOptions
from eclectus.core.protocols import AcousticModel, Tokenizer
from eclectus.core.types import Audio, Hypothesis, Progress, Transcript, Word
from eclectus.recognition.assemble import assemble, check_language, words_of
from eclectus.recognition.batching import BatchRunner
from eclectus.recognition.longform import Plan, make_plan
from eclectus.recognition.pauses import find_pause
from eclectus.recognition.pending import Pending, batches, check_batch
from eclectus.recognition.reader import Cutting, Opener, SourceOpener, read_sources
from eclectus.recognition.settling import Settling
from eclectus.recognition.stitch import StartsWord, Stitcher
from eclectus.recognition.windowed_source import Job
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
    def acoustic(self) -> AcousticModel:
        """The network."""
        return self._model

    @property
    def tokenizer(self) -> Tokenizer:
        """The vocabulary."""
        return self._tokenizer

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
        work = self._work(options)
        (found,) = work.run([source], sample_rate, on_progress)
        return self._transcript(found, options)

    def transcribe_many(
        self,
        sources: Iterable[AudioSource],
        *,
        options: TranscribeOptions | None = None,
        on_progress: OnProgress | None = None,
    ) -> Generator[Outcome, None, None]:
        """Transcribe many sources, the windows of all sorted by length into batches.

        Lazy: sources are taken and read as the results are asked for, some minutes of audio
        ahead. Closing the generator early closes what is open.

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
        if isinstance(sources, str | bytes | os.PathLike | np.ndarray | Audio):
            raise OptionError("transcribe_many takes a list of sources; use transcribe for one.")
        options = options or self._options
        return self._outcomes(self._work(options), sources, options, on_progress)

    def _outcomes(
        self,
        work: _Work,
        sources: Iterable[AudioSource],
        options: TranscribeOptions,
        on_progress: OnProgress | None,
    ) -> Generator[Outcome, None, None]:
        with closing(work.run(sources, None, on_progress)) as results:
            for found in results:
                if found.error is not None:
                    yield Outcome(found.source, None, found.error)
                else:
                    yield Outcome(found.source, self._transcript(found, options), None)

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
        (found,) = self._work(options or self._options).run([source], sample_rate, None)
        if found.error is not None:
            raise found.error
        return found.stitcher.finish()

    def job(
        self,
        source: AudioSource,
        *,
        sample_rate: int | None = None,
        options: TranscribeOptions | None = None,
        open_source: SourceOpener = open_audio,
    ) -> Job:
        """Return a source whose windows the caller computes, with a `runner`.

        A server does this, to put the windows of many clients into one batch.

        Args:
            source: As for `transcribe`.
            sample_rate: Of an array, in Hz.
            options: Instead of the recogniser's own.
            open_source: Opens the source as `open_audio` does.

        Raises:
            OptionError: An option is impossible with this model.
        """
        options = options or self._options
        check_language(options.language, self.config)
        base = self.config.time_base
        opener = partial(
            open_source,
            source,
            options.audio,
            sample_rate=sample_rate,
            target_rate=base.sample_rate,
        )
        plan = make_plan(options.long_form, self.config)
        cutting = Cutting(plan, base.samples_per_frame, find_pause)
        pending = Pending(source, 0, Stitcher(self._starts_word))
        settling = Settling(
            plan.overlap // base.samples_per_frame,
            partial(self._words, options=options),
            lambda token_id: bool(self._tokenizer.piece(token_id)),
        )
        return Job(pending, opener, cutting, partial(self._transcript, options=options), settling)

    def runner(self) -> BatchRunner:
        """Return what computes batches of windows with the recogniser's own search."""
        search = make_search(self._model, self._options.search)
        return BatchRunner(self._model, search, self._features)

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

    def _work(self, options: TranscribeOptions) -> _Work:
        check_batch(options.batch)
        check_language(options.language, self.config)
        return _Work(
            self.config,
            options,
            make_plan(options.long_form, self.config),
            BatchRunner(self._model, make_search(self._model, options.search), self._features),
            self._starts_word,
        )

    def _starts_word(self, token_id: int) -> bool:
        return self._tokenizer.piece(token_id).startswith(" ")

    def _transcript(self, found: Pending, options: TranscribeOptions) -> Transcript:
        if found.error is not None:
            raise found.error
        hypothesis = found.stitcher.finish()
        return assemble(hypothesis, *self._context(found), options, _start_s(found))

    def _words(
        self, tokens: Hypothesis, found: Pending, options: TranscribeOptions
    ) -> tuple[Word, ...]:
        return words_of(tokens, *self._context(found), options, _start_s(found))

    def _context(self, found: Pending) -> tuple[float, ModelConfig, Tokenizer]:
        """Return what spelling needs of a source and of the model."""
        seconds = found.samples / self.config.time_base.sample_rate
        return seconds, self.config, self._tokenizer


@dataclass(frozen=True, slots=True, eq=False)
class _Work:
    """One call: everything that it needs, and its way from sources to what was found in them."""

    config: ModelConfig
    options: TranscribeOptions
    plan: Plan
    runner: BatchRunner
    starts_word: StartsWord

    def run(
        self,
        sources: Iterable[AudioSource],
        sample_rate: int | None,
        on_progress: OnProgress | None,
    ) -> Generator[Pending, None, None]:
        """Yield every source in order when it is done."""
        base = self.config.time_base
        frame, rate = base.samples_per_frame, base.sample_rate
        begun: deque[Pending] = deque()
        openers = self._begin(sources, sample_rate, begun)
        reading = read_sources(openers, Cutting(self.plan, frame, find_pause))
        grouped = batches(reading, self.options.batch, self.plan.window, rate)
        with closing(reading), closing(self.runner.run(grouped)) as results:
            for found in results:
                for place, result in found:
                    place.source.add(place, result, frame)
                if on_progress is not None:
                    for one in dict.fromkeys(place.source for place, _ in found):
                        on_progress(Progress(one.index, one.samples / rate, one.duration_s))
                yield from _leading_done(begun)
        yield from _leading_done(begun)

    def _begin(
        self,
        sources: Iterable[AudioSource],
        sample_rate: int | None,
        begun: deque[Pending],
    ) -> Iterator[tuple[Pending, Opener]]:
        target = self.config.time_base.sample_rate
        for index, source in enumerate(sources):
            pending = Pending(source, index, Stitcher(self.starts_word))
            begun.append(pending)
            yield (
                pending,
                partial(
                    open_audio,
                    source,
                    self.options.audio,
                    sample_rate=sample_rate,
                    target_rate=target,
                ),
            )


def _start_s(found: Pending) -> float:
    return found.source.start if isinstance(found.source, Audio) else 0.0


def _leading_done(begun: deque[Pending]) -> Iterator[Pending]:
    """Take the sources from the front that are done: those behind one that is not must wait."""
    while begun and begun[0].done:
        yield begun.popleft()
