"""The values of the straight line."""

import numpy as np

from eclectus.core.types import (
    Audio,
    EncoderOutput,
    Hypothesis,
    PredictorState,
    Segment,
    Token,
    Transcript,
    Word,
)


def hypothesis(ids: list[int], frames: list[int]) -> Hypothesis:
    count = len(ids)
    return Hypothesis(
        np.array(ids, np.int64),
        np.array(frames, np.int64),
        np.ones(count, np.int64),
        np.full(count, -0.5, np.float32),
        np.full(count, 0.1, np.float32),
        -0.5 * count,
    )


def word(text: str, start: float, confidence: float = 1.0) -> Word:
    token = Token(1, " " + text, start, start + 0.5, confidence, -0.1)
    return Word(text, start, start + 0.5, confidence, tokens=(token,))


def test_slices_of_a_hypothesis_join_to_the_whole() -> None:
    whole = hypothesis([5, 6, 7, 8], [0, 2, 2, 9])
    joined = Hypothesis.concat([whole.slice(0, 1), whole.slice(1, 1), whole.slice(1, 4)])
    assert joined.token_ids.tolist() == [5, 6, 7, 8]
    assert joined.frames.tolist() == [0, 2, 2, 9]
    assert joined.score == whole.score
    assert len(joined) == 4


def test_shifting_moves_frames_only() -> None:
    moved = hypothesis([5, 6], [0, 2]).shift(100)
    assert moved.frames.tolist() == [100, 102]
    assert moved.token_ids.tolist() == [5, 6]


def test_nothing_joined_is_the_hypothesis_of_silence() -> None:
    assert len(Hypothesis.concat([])) == 0


def test_a_predictor_state_gives_takes_and_puts_rows() -> None:
    state = PredictorState((np.arange(6, dtype=np.float32).reshape(1, 3, 2),))
    part = state.take(np.array([2, 0]))
    assert part.arrays[0][0].tolist() == [[4, 5], [0, 1]]
    back = state.put(np.array([1]), PredictorState((np.full((1, 1, 2), 9, np.float32),)))
    assert back.arrays[0][0].tolist() == [[0, 1], [9, 9], [4, 5]]
    assert state.arrays[0][0, 1].tolist() == [2, 3]
    both = PredictorState.concat([part, state])
    assert both.arrays[0].shape == (1, 5, 2)


def test_encoder_outputs_can_be_reordered() -> None:
    output = EncoderOutput(np.arange(4, dtype=np.float32).reshape(2, 2, 1), np.array([1, 2]))
    swapped = output.take(np.array([1, 0]))
    assert swapped.frames[0, :, 0].tolist() == [2, 3]
    assert swapped.lengths.tolist() == [2, 1]


def test_a_transcript_derives_text_and_words_from_its_segments() -> None:
    first = Segment((word("Hello", 0.0), word("there.", 0.5, 0.5)), 0.0, 1.0)
    second = Segment((word("Bye.", 2.0),), 2.0, 2.5)
    transcript = Transcript((first, second), 3.0)
    assert transcript.text == "Hello there. Bye."
    assert [w.text for w in transcript.words] == ["Hello", "there.", "Bye."]
    assert first.confidence == 0.75


def test_audio_knows_its_duration() -> None:
    assert Audio(np.zeros(8000, np.float32), 16_000).duration == 0.5
