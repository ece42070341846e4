"""The recogniser, with the model that the package ships."""

import threading
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import numpy as np
import pytest
import soundfile as sf

import eclectus
from eclectus.core.choices import WindowPlan
from eclectus.core.errors import AudioNotFoundError, EclectusError, OptionError
from eclectus.core.options import BatchOptions, LongFormOptions, TranscribeOptions
from eclectus.core.types import Audio, FloatArray, Progress
from eclectus.recognition.recognizer import Recognizer
from eclectus.signal.decode import AudioSource
from tests.support.clips import right

DATA = Path(__file__).resolve().parents[2] / "data"
RATE = 16_000


@pytest.fixture(scope="module")
def model() -> Iterator[Recognizer]:
    with eclectus.load() as recognizer:
        yield recognizer


@pytest.fixture(scope="module")
def garden() -> FloatArray:
    samples, rate = sf.read(DATA / "garden.flac", dtype="float32")
    assert rate == RATE
    return np.asarray(samples, np.float32)


@pytest.fixture(scope="module")
def long(garden: FloatArray) -> FloatArray:
    temper, _ = sf.read(DATA / "temper.flac", dtype="float32")
    pause = np.zeros(RATE, np.float32)
    part = np.concatenate([garden, pause, np.asarray(temper, np.float32), pause])
    return np.tile(part, 4)  # some 43 s


def test_words_are_recognised_with_ordered_times_inside_the_audio(model: Recognizer) -> None:
    transcript = model.transcribe(DATA / "garden.flac")
    assert right(" ".join(word.text for word in transcript.words))
    assert transcript.language == "en"
    edges = [edge for word in transcript.words for edge in (word.start, word.end)]
    assert edges == sorted(edges)
    assert edges[0] >= 0
    assert edges[-1] <= transcript.duration
    assert all(0 <= word.confidence <= 1 for word in transcript.words)


def test_a_path_bytes_an_array_and_audio_give_the_same(
    model: Recognizer, garden: FloatArray
) -> None:
    path = DATA / "garden.flac"
    texts = {
        model.transcribe(path).text,
        model.transcribe(str(path)).text,
        model.transcribe(path.read_bytes()).text,
        model.transcribe(garden, sample_rate=RATE).text,
        model.transcribe(Audio(garden, RATE)).text,
    }
    assert len(texts) == 1


def test_a_language_that_the_model_does_not_know_is_refused(model: Recognizer) -> None:
    with pytest.raises(OptionError, match="'de'"):
        model.transcribe(DATA / "garden.flac", options=TranscribeOptions(language="de"))
    known = TranscribeOptions(language="en")
    assert model.transcribe(DATA / "garden.flac", options=known).language == "en"


def test_times_are_absolute_on_the_source_of_an_audio(
    model: Recognizer, garden: FloatArray
) -> None:
    early = model.transcribe(Audio(garden, RATE)).words
    late = model.transcribe(Audio(garden, RATE, start=100.0)).words
    assert [w.start + 100 for w in early] == pytest.approx([w.start for w in late])


@pytest.mark.parametrize("plan", list(WindowPlan))
def test_a_file_in_many_windows_has_the_words_of_the_file_in_one(
    model: Recognizer, long: FloatArray, plan: WindowPlan
) -> None:
    one = model.transcribe(long, sample_rate=RATE)
    options = TranscribeOptions(long_form=LongFormOptions(window_s=15.0, overlap_s=4.0, plan=plan))
    many = model.transcribe(long, sample_rate=RATE, options=options)
    assert many.duration == one.duration
    # Features are normalised a window, so that single words may differ, but none is lost.
    assert abs(len(many.words) - len(one.words)) <= 0.1 * len(one.words)
    common = {w.text for w in one.words} & {w.text for w in many.words}
    assert len(common) >= 0.5 * len({w.text for w in one.words})
    starts = [word.start for word in many.words]
    assert starts == sorted(starts)


def test_many_sources_come_back_in_order_and_equal_one_by_one(
    model: Recognizer, garden: FloatArray, long: FloatArray
) -> None:
    sources: list[AudioSource] = [
        garden,
        long[: 20 * RATE],
        DATA / "temper.flac",
        garden[:100],
        long,
    ]
    alone = [model.hypothesis(source).token_ids.tolist() for source in sources]
    for size in (1, 4, 16):
        options = TranscribeOptions(batch=BatchOptions(size=size))
        outcomes = list(model.transcribe_many(sources, options=options))
        assert [outcome.source is source for outcome, source in zip(outcomes, sources, strict=True)]
        ids = [[token.id for token in outcome.unwrap().tokens] for outcome in outcomes]
        assert ids == alone


def test_one_bad_file_fails_alone(model: Recognizer, garden: FloatArray, tmp_path: Path) -> None:
    bad = tmp_path / "missing.wav"
    good, failed, also_good = model.transcribe_many([garden, bad, garden])
    assert good.unwrap() == also_good.unwrap()
    assert isinstance(failed.error, AudioNotFoundError)
    assert failed.transcript is None
    with pytest.raises(AudioNotFoundError):
        failed.unwrap()


def test_results_come_before_all_sources_are_read(model: Recognizer, garden: FloatArray) -> None:
    options = TranscribeOptions(batch=BatchOptions(size=1, max_audio_s=1.0))
    outcomes = model.transcribe_many([garden] * 50, options=options)
    assert next(outcomes).unwrap().text
    outcomes.close()


def test_sources_are_taken_as_they_are_needed(model: Recognizer, garden: FloatArray) -> None:
    taken = []

    def sources() -> Iterator[AudioSource]:
        for number in range(50):
            taken.append(number)
            yield garden

    options = TranscribeOptions(batch=BatchOptions(size=1, max_audio_s=1.0))
    with closing(model.transcribe_many(sources(), options=options)) as outcomes:
        next(outcomes)
    assert len(taken) < 10


def test_one_source_instead_of_many_is_refused(model: Recognizer, garden: FloatArray) -> None:
    one: list[object] = ["speech.wav", b"RIFF", DATA, garden, Audio(garden, RATE)]
    for source in one:
        with pytest.raises(OptionError, match="list of sources"):
            model.transcribe_many(source)  # type: ignore[arg-type]  # that is what is tested


def test_an_impossible_option_is_refused_before_the_first_outcome(model: Recognizer) -> None:
    with pytest.raises(OptionError):
        model.transcribe_many([], options=TranscribeOptions(batch=BatchOptions(size=0)))


def test_a_source_that_can_t_be_read_raises_its_error(model: Recognizer) -> None:
    with pytest.raises(AudioNotFoundError):
        model.hypothesis("nowhere.wav")
    with pytest.raises(AudioNotFoundError):
        model.transcribe("nowhere.wav")


def test_windows_that_agree_on_nothing_are_joined_at_words(
    model: Recognizer, long: FloatArray
) -> None:
    options = TranscribeOptions(long_form=LongFormOptions(window_s=2.0, overlap_s=0.32))
    found = model.hypothesis(long, options=options)
    assert len(found) > 50
    assert (np.diff(found.frames) >= 0).all()


def test_an_error_of_the_caller_s_progress_ends_the_call(
    model: Recognizer, garden: FloatArray
) -> None:
    def stop(progress: Progress) -> None:
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        model.transcribe(garden, on_progress=stop)
    assert not [t for t in threading.enumerate() if t.name.startswith("eclectus-batches")]


def test_progress_reaches_the_whole_length(model: Recognizer, long: FloatArray) -> None:
    seen: list[Progress] = []
    options = TranscribeOptions(long_form=LongFormOptions(window_s=10.0, overlap_s=2.0))
    model.transcribe(long, sample_rate=RATE, options=options, on_progress=seen.append)
    done = [progress.done_s for progress in seen]
    assert done[-1] == pytest.approx(len(long) / RATE)
    assert seen[-1].total_s == pytest.approx(len(long) / RATE)


@pytest.mark.parametrize("count", [1, 159, 160, 1280, 8000])
def test_very_short_audio_gives_an_empty_transcript_or_words_inside_it(
    model: Recognizer, count: int
) -> None:
    transcript = model.transcribe(np.zeros(count, np.float32), sample_rate=RATE)
    assert transcript.duration == pytest.approx(count / RATE)
    assert all(word.end <= transcript.duration for word in transcript.words)


def test_an_impossible_option_is_refused_before_anything_is_read(model: Recognizer) -> None:
    options = TranscribeOptions(long_form=LongFormOptions(window_s=-1.0))
    with pytest.raises(OptionError):
        model.transcribe("nowhere.wav", options=options)


def test_threads_share_one_model(model: Recognizer, garden: FloatArray) -> None:
    expected = model.transcribe(garden).text
    texts: list[str] = []
    errors: list[EclectusError] = []

    def work() -> None:
        try:
            texts.extend(model.transcribe(garden).text for _ in range(3))
        except EclectusError as error:
            errors.append(error)

    threads = [threading.Thread(target=work) for _ in range(6)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert errors == []
    assert texts == [expected] * 18
