"""The windows of a stream."""

from hypothesis import given
from hypothesis import strategies as st

from eclectus.core.options import LiveOptions
from eclectus.core.timebase import TimeBase
from eclectus.streaming.windows import Chunk, Contexts, Draft, Last, Step

FRAME = 1280
BASE = TimeBase()


def contexts(left: int, chunk: int, right: int) -> Contexts:
    return Contexts(left * FRAME, chunk * FRAME, right * FRAME, min(left, 2) * FRAME, FRAME)


def test_contexts_are_rounded_to_whole_frames() -> None:
    options = LiveOptions(left_s=10.0, chunk_s=0.1, right_s=0.3, draft_left_s=0.2)
    assert Contexts.of(options, BASE) == contexts(125, 1, 4)


def test_a_draft_sees_less_of_the_past_but_never_more_than_the_rest() -> None:
    windows = contexts(5, 2, 3)
    assert windows.draft_step(8 * FRAME, 12 * FRAME + 7) == Step(
        6 * FRAME, 12 * FRAME + 7, 2, Draft()
    )
    assert windows.draft_step(8 * FRAME, 8 * FRAME) is None
    narrow = Contexts.of(LiveOptions(left_s=0.8, draft_left_s=9.0), BASE)
    assert narrow.draft_left == narrow.left


def test_a_chunk_has_a_frame_at_least() -> None:
    assert Contexts.of(LiveOptions(chunk_s=0.01), BASE).chunk == FRAME


def test_a_chunk_waits_for_one_sample_more_than_its_right_context() -> None:
    windows = contexts(5, 2, 3)
    assert windows.next_step(0, 5 * FRAME) is None
    assert windows.next_step(0, 5 * FRAME + 1) == Step(0, 5 * FRAME, 0, Chunk(2))


def test_the_left_context_grows_until_it_is_full() -> None:
    windows = contexts(5, 2, 3)
    step = windows.next_step(4 * FRAME, 100 * FRAME)
    assert step == Step(0, 9 * FRAME, 4, Chunk(2))
    assert windows.next_step(8 * FRAME, 100 * FRAME) == Step(3 * FRAME, 13 * FRAME, 5, Chunk(2))


def test_the_last_window_is_as_long_as_the_others() -> None:
    windows = contexts(5, 2, 3)
    assert windows.last_step(8 * FRAME, 12 * FRAME + 7) == Step(
        2 * FRAME + 7, 12 * FRAME + 7, 5, Last()
    )
    assert windows.last_step(8 * FRAME, 8 * FRAME) is None


@given(
    st.integers(0, 6),
    st.integers(1, 5),
    st.integers(0, 5),
    st.integers(1, 40 * FRAME),
)
def test_windows_cover_every_sample_once_and_need_only_what_is_kept(
    left: int, chunk: int, right: int, length: int
) -> None:
    windows = contexts(left, chunk, right)
    done, kept = 0, 0
    while (step := windows.next_step(done, length)) is not None:
        assert step.start >= kept
        assert step.start + step.drop * FRAME == done
        assert step.stop - step.start <= windows.total
        assert step.kind == Chunk(chunk)
        done += windows.chunk
        kept = windows.needed_from(done)
    last = windows.last_step(done, length)
    assert last is not None
    assert last.stop == length
    assert last.start >= kept
    assert 0 <= done - (last.start + last.drop * FRAME) < FRAME


def catching_up(left: int, chunk: int, right: int, longest: int) -> Contexts:
    return Contexts(left * FRAME, chunk * FRAME, right * FRAME, 0, FRAME, longest * FRAME)


def test_audio_that_waits_is_taken_in_whole_chunks_up_to_the_longest() -> None:
    windows = catching_up(5, 2, 3, 8)
    assert windows.next_step(0, 5 * FRAME + 1) == Step(0, 5 * FRAME, 0, Chunk(2))
    assert windows.next_step(0, 8 * FRAME) == Step(0, 7 * FRAME, 0, Chunk(4))
    assert windows.next_step(6 * FRAME, 99 * FRAME) == Step(FRAME, 17 * FRAME, 5, Chunk(8))


def test_the_longest_chunk_is_rounded_down_to_whole_chunks() -> None:
    options = LiveOptions(chunk_s=0.8, right_s=1.2)
    assert Contexts.of(options, BASE, 2.0).catch_up == 20 * FRAME
    assert Contexts.of(options, BASE, 0.1).catch_up == 0
    assert Contexts.of(options, BASE).catch_up == 0


def test_a_short_rest_is_finished_at_once_where_that_is_allowed() -> None:
    windows = catching_up(5, 2, 3, 8)
    assert windows.ends_at_once(0, 8 * FRAME)
    assert not windows.ends_at_once(0, 8 * FRAME + 1)
    assert not windows.ends_at_once(FRAME, FRAME)
    assert not contexts(5, 2, 3).ends_at_once(0, 1)
    # Such a rest still has its left context.
    assert windows.last_step(20 * FRAME, 28 * FRAME) == Step(15 * FRAME, 28 * FRAME, 5, Last())


@given(done=st.integers(0, 9), available=st.integers(0, 60 * FRAME), longest=st.integers(0, 12))
def test_windows_never_ask_for_forgotten_samples(done: int, available: int, longest: int) -> None:
    windows = catching_up(5, 2, 3, longest // 2 * 2)
    place = done * 2 * FRAME
    for step in (windows.next_step(place, available), windows.last_step(place, available)):
        assert step is None or windows.needed_from(place) <= step.start <= place
        assert step is None or step.stop <= available
