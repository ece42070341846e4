"""Live sessions, with the model that the package ships."""

from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pytest
import soundfile as sf

import eclectus
from eclectus.core.errors import OptionError, StreamClosedError
from eclectus.core.options import EndpointOptions, LiveOptions, StreamOptions
from eclectus.core.types import FloatArray, Word
from eclectus.streaming.engine import StreamEngine
from eclectus.streaming.events import (
    Ended,
    Endpoint,
    EndpointReason,
    Event,
    Final,
    Partial,
    SegmentDone,
    SpeechStarted,
)
from eclectus.streaming.session import Session
from tests.support.clips import right
from tests.support.resampling import resample

DATA = Path(__file__).resolve().parents[2] / "data"
RATE = 16_000
BLOCK = RATE // 10


def clip(name: str) -> FloatArray:
    samples, _ = sf.read(DATA / f"{name}.flac", dtype="float32")
    return np.asarray(samples, np.float32)


def two_utterances() -> FloatArray:
    pause = np.zeros(2 * RATE, np.float32)
    return np.concatenate([pause, clip("garden"), pause, clip("temper"), pause])


def follow(session: Session, samples: FloatArray, block: int = BLOCK) -> list[Event]:
    events = [
        event
        for start in range(0, len(samples), block)
        for event in session.push(samples[start : start + block])
    ]
    return [*events, *session.finish()]


def final_words(events: Sequence[Event]) -> list[Word]:
    return [word for event in events if isinstance(event, Final) for word in event.words]


def spoken(words: Sequence[Word]) -> str:
    return " ".join(word.text for word in words)


def test_two_utterances_begin_and_end_where_they_were_spoken(model: eclectus.Model) -> None:
    samples = two_utterances()
    events = follow(model.stream(), samples)
    starts = [event.at for event in events if isinstance(event, SpeechStarted)]
    ends = [event for event in events if isinstance(event, Endpoint)]
    length = len(clip("garden")) / RATE
    assert starts == pytest.approx([2.2, 4.2 + length], abs=0.4)
    assert [end.reason for end in ends] == [EndpointReason.SILENCE] * 2
    assert ends[0].at == pytest.approx(2.0 + length, abs=0.4)
    assert events[-1] == Ended(len(samples) / RATE)
    words = final_words(events)
    assert right(spoken(words))
    edges = [edge for word in words for edge in (word.start, word.end)]
    assert edges == sorted(edges)
    assert all(word.start >= 2.0 - 0.4 for word in words)  # the pre-roll


def test_an_utterance_shorter_than_a_window_has_the_words_of_the_file(
    model: eclectus.Model,
) -> None:
    samples = clip("garden")
    options = StreamOptions(live=LiveOptions(chunk_s=8.0), endpoint=EndpointOptions(enabled=False))
    offline = model.transcribe(samples)
    live = final_words(follow(model.stream(options), samples))
    assert [word.text for word in live] == [word.text for word in offline.words]
    for mine, theirs in zip(live, offline.words, strict=True):
        assert mine.start == pytest.approx(theirs.start, abs=0.081)
        assert mine.end == pytest.approx(theirs.end, abs=0.081)


def test_drafts_come_while_somebody_speaks_and_finals_never_change_them_back(
    model: eclectus.Model,
) -> None:
    options = StreamOptions()
    engine = StreamEngine(model.acoustic, options.search)
    session = Session(engine, model.tokenizer, options, clock=lambda: 0.0)  # nothing takes long
    events = follow(session, clip("garden"))
    drafts = [event for event in events if isinstance(event, Partial)]
    assert len(drafts) > 5
    assert all(draft.stable <= len(draft.words) for draft in drafts)
    assert any(draft.stable > 0 for draft in drafts)


def test_segments_hold_every_final_word_once(model: eclectus.Model) -> None:
    events = follow(
        model.stream(StreamOptions(live=LiveOptions(chunk_s=0.8, right_s=0.8))), two_utterances()
    )
    held = [
        word for event in events if isinstance(event, SegmentDone) for word in event.segment.words
    ]
    assert held == final_words(events)


def test_silence_and_steady_noise_say_nothing(model: eclectus.Model) -> None:
    noise = 1e-4 * np.random.default_rng(0).standard_normal(10 * RATE).astype(np.float32)
    for samples in (np.zeros(10 * RATE, np.float32), noise):
        events = follow(model.stream(), samples)
        assert events == [Ended(10.0)]


def test_without_drafts_there_are_finals_only(model: eclectus.Model) -> None:
    with_drafts = follow(model.stream(), clip("garden"))
    events = follow(
        model.stream(StreamOptions(live=LiveOptions(emit_partial=False))), clip("garden")
    )
    assert not any(isinstance(event, Partial) for event in events)
    assert final_words(events) == final_words(with_drafts)


def test_words_below_the_confidence_are_left_out(model: eclectus.Model) -> None:
    everything = final_words(follow(model.stream(), clip("garden")))
    least = sorted(word.confidence for word in everything)[len(everything) // 2]
    some = follow(
        model.stream(StreamOptions(live=LiveOptions(min_confidence=least))), clip("garden")
    )
    assert final_words(some) == [word for word in everything if word.confidence >= least]
    drafts = [word for e in some if isinstance(e, Partial) for word in e.words]
    assert all(word.confidence >= least for word in drafts)


def test_flush_makes_all_words_final_at_once(model: eclectus.Model) -> None:
    samples = clip("garden")
    session = model.stream()
    before = session.push(samples)
    flushed = session.flush()
    assert isinstance(flushed[-1], Endpoint)
    assert flushed[-1].reason is EndpointReason.FLUSH
    words = final_words([*before, *flushed])
    assert right(spoken(words))
    assert session.flush() == []
    assert session.finish() == [Ended(len(samples) / RATE)]


def test_after_a_flush_without_endpoints_no_word_comes_twice(model: eclectus.Model) -> None:
    samples = clip("garden")
    session = model.stream(StreamOptions(endpoint=EndpointOptions(enabled=False)))
    middle = len(samples) // 2
    events = [*session.push(samples[:middle]), *session.flush(), *session.push(samples[middle:])]
    words = final_words([*events, *session.finish()])
    starts = [word.start for word in words]
    assert starts == sorted(starts)
    assert spoken(words).count("little") == 1


def test_a_finished_session_takes_no_more_and_finishes_once(model: eclectus.Model) -> None:
    session = model.stream()
    assert session.finish() == [Ended(0.0)]
    assert session.finish() == []
    with pytest.raises(StreamClosedError):
        session.push(np.zeros(10, np.float32))
    with pytest.raises(StreamClosedError):
        session.flush()


def test_samples_of_two_channels_are_refused_and_change_nothing(model: eclectus.Model) -> None:
    session = model.stream()
    with pytest.raises(OptionError, match="mono"):
        session.push(np.zeros((RATE, 2), np.float32))
    events = [*session.push(clip("garden")), *session.finish()]
    assert right(spoken(final_words(events)))
    assert events[-1] == Ended(len(clip("garden")) / RATE)


def test_integers_are_scaled_as_in_files(model: eclectus.Model) -> None:
    quiet = StreamOptions(live=LiveOptions(emit_partial=False))
    whole = np.round(clip("garden") * 32_767).astype(np.int16)
    live = follow(model.stream(quiet), whole)  # type: ignore[arg-type]  # that is what is tested
    assert live == follow(model.stream(quiet), whole.astype(np.float32) / np.float32(32_768))
    assert right(spoken(final_words(live)))


@pytest.mark.parametrize("block", [b"\0\0", "speech.wav", None, np.zeros(9, np.int64)])
def test_what_is_no_array_of_samples_is_refused(model: eclectus.Model, block: object) -> None:
    with pytest.raises(OptionError, match=r"frombuffer|samples"):
        model.stream().push(block)  # type: ignore[arg-type]  # that is what is tested


def test_reset_begins_a_new_stream_at_any_point(model: eclectus.Model) -> None:
    samples = clip("garden")
    # Drafts depend on how long they take.
    session = model.stream(StreamOptions(live=LiveOptions(emit_partial=False)))
    first = follow(session, samples)
    session.reset()
    session.push(samples[: len(samples) // 2])
    session.reset()
    session.reset()
    assert follow(session, samples) == first


@pytest.mark.parametrize("rate", [8_000, 24_000, 44_100])
def test_a_flush_takes_what_the_resampler_holds_back(model: eclectus.Model, rate: int) -> None:
    samples = resample(clip("garden"), RATE, rate)
    session = model.stream(StreamOptions(endpoint=EndpointOptions(enabled=False)), sample_rate=rate)
    words = final_words(session.push(samples[: 2 * rate]) + session.flush())
    assert session.duration == 2.0
    words += final_words(session.push(samples[2 * rate :]) + session.flush())
    assert session.duration == pytest.approx(len(samples) / rate, abs=2 / RATE)
    assert right(spoken(words))
    assert session.finish() == [Ended(session.duration)]


def test_another_rate_gives_what_resampling_the_whole_gives(model: eclectus.Model) -> None:
    samples = clip("garden")
    higher = resample(samples, RATE, 48_000)
    options = StreamOptions(live=LiveOptions(emit_partial=False))
    live = follow(model.stream(options, sample_rate=48_000), higher, block=997)
    whole = follow(model.stream(options), resample(higher, 48_000, RATE))
    assert final_words(live) == final_words(whole)


def test_a_long_utterance_is_divided_without_losing_time(model: eclectus.Model) -> None:
    options = StreamOptions(endpoint=EndpointOptions(max_utterance_s=1.5))
    events = follow(model.stream(options), two_utterances())
    reasons = [event.reason for event in events if isinstance(event, Endpoint)]
    assert EndpointReason.LENGTH in reasons
    words = final_words(events)
    assert [w.start for w in words] == sorted(w.start for w in words)


@pytest.mark.parametrize("rate", [0, -1, 10**9, "16000", 16_000.5, True, float("nan")])
def test_an_impossible_rate_is_refused(model: eclectus.Model, rate: object) -> None:
    with pytest.raises(OptionError, match="sample rate"):
        model.stream(sample_rate=rate)  # type: ignore[arg-type]  # that is what is tested


@pytest.mark.parametrize("options", [{}, LiveOptions(), "fast"])
def test_options_of_another_type_are_refused(model: eclectus.Model, options: object) -> None:
    with pytest.raises(OptionError, match="options takes an object of StreamOptions"):
        model.stream(options)  # type: ignore[arg-type]  # that is what is tested


def test_a_session_knows_whether_its_audio_breaks_off_within_speech(model: eclectus.Model) -> None:
    session = model.stream()
    told = []
    for piece in (np.zeros(RATE, np.float32), clip("garden")[: 2 * RATE], np.zeros(RATE // 2)):
        session.push(piece.astype(np.float32))
        told.append(session.within_speech)
    assert told == [False, True, False]
    alone = model.stream(StreamOptions(endpoint=EndpointOptions(enabled=False)))
    alone.push(clip("garden")[: 2 * RATE])
    assert not alone.within_speech
