"""What the page is sent of a live stream."""

from eclectus.apps.server.page.web_shapes import event_fields
from eclectus.core.types import Segment, Word
from eclectus.service.live import Flushed, Restarted
from eclectus.streaming.events import LanguageDetected, SegmentDone, SpeechStarted

WORD = Word("a", 0.1, 0.2, 0.9)


def test_the_page_gets_its_own_names_and_the_words_of_segments() -> None:
    assert event_fields(SpeechStarted(0.5)) == {"type": "speech", "at": 0.5}
    told = event_fields(SegmentDone(Segment((WORD,), 0.1, 0.2)))
    assert told is not None
    assert told["words"] == [{"text": "a", "start": 0.1, "end": 0.2, "confidence": 0.9}]


def test_what_the_page_need_not_know_is_no_error() -> None:
    for event in (Flushed(), Restarted(), LanguageDetected("de", 0.9, 1.0)):
        assert event_fields(event) is None
