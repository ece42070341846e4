"""The web page in a real browser: what a visitor does, and what they then see."""

import json
import re
import time
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
import soundfile

from eclectus.config.schema import Settings
from eclectus.config.server_options import ServerOptions
from eclectus.output.registry import FORMATS
from tests.support.browser import Page, open_page
from tests.support.clips import words_of
from tests.support.server import running_server

pytestmark = [pytest.mark.slow, pytest.mark.needs_program("chromium")]

ROOT = Path(__file__).resolve().parents[2]
DATA = ROOT / "tests" / "data"
STORY = ROOT / "examples" / "clips" / "story.flac"
GARDEN = DATA / "garden.flac"

WORDS = "[...document.querySelectorAll('#transcript .w')].map(w => w.textContent).join(' ')"
STATES = "[...document.querySelectorAll('#items li')].map(line => line.dataset.state)"
# Lets a test cut the page's connection, as a bad network would.
SOCKETS = """
window.sockets = [];
window.WebSocket = class extends WebSocket {
  constructor(...all) { super(...all); sockets.push(this); }
};
"""


def assert_heard(text: str, clip: Path) -> None:
    said = {*words_of(clip.with_suffix(".txt").read_text())}
    # The built-in model is small, and a busy machine drops some of the pretended microphone.
    assert len({*words_of(text)} & said) >= len(said) / 3, text


@pytest.fixture
def page(server_url: str, tmp_path: Path) -> Iterator[Page]:
    """The page, without a microphone."""
    with open_page(downloads=tmp_path) as page:
        welcome(page, server_url)
        yield page


@pytest.fixture
def speaking(server_url: str, tmp_path: Path) -> Iterator[Page]:
    """The page with a microphone that hears the story."""
    samples, rate = soundfile.read(STORY, dtype="float32")
    microphone = tmp_path / "microphone.wav"
    quiet = np.zeros(rate // 2, np.float32)
    soundfile.write(microphone, np.concatenate([quiet, samples, quiet]), rate)
    with open_page(microphone=microphone, downloads=tmp_path) as page:
        page.call("Page.addScriptToEvaluateOnNewDocument", source=SOCKETS)
        welcome(page, server_url)
        yield page


def welcome(page: Page, url: str) -> None:
    page.open(url)
    page.until("document.querySelector('#limits').textContent.includes('megabytes')")


def saved(folder: Path, suffix: str) -> str:
    end = time.monotonic() + 60
    while time.monotonic() < end:
        for path in folder.glob(f"*{suffix}"):
            if text := path.read_text():
                return text
        time.sleep(0.05)
    raise AssertionError(f"no {suffix} was saved")


def test_the_page_says_that_the_model_is_for_demonstration(page: Page) -> None:
    for place in ("#demonstration", "#demonstration-note"):
        assert "emonstration model" in page.run(f"document.querySelector('{place}').innerText")
    assert page.problems == []


def test_what_the_microphone_hears_appears_as_words(speaking: Page, tmp_path: Path) -> None:
    speaking.click("[data-act=speak]")
    speaking.until("document.querySelector('#transcript .draft')?.textContent")
    speaking.until("document.querySelectorAll('#transcript .w').length > 5")
    assert "Recording" in speaking.run("document.title") or "●" in speaking.run("document.title")
    assert speaking.run("document.querySelector('#play').ariaLabel") == "Stop recording"
    speaking.until("parseInt(document.querySelector('#now').textContent.split(':')[1]) > 20")
    speaking.click("#play")
    speaking.until("document.querySelector('#hint').textContent.includes('Choose a word')")
    assert_heard(speaking.run(WORDS), STORY)
    # Screen readers get the final words, in their log.
    assert_heard(speaking.run("document.querySelector('#said').innerText"), STORY)
    speaking.click("[data-format=json]")
    document = json.loads(saved(tmp_path, ".json"))
    assert_heard(document["text"], STORY)
    assert speaking.problems == []


def test_a_lost_connection_loses_no_words(speaking: Page) -> None:
    speaking.click("[data-act=speak]")
    speaking.until("document.querySelectorAll('#transcript .w').length > 5")
    speaking.run("sockets[0].close()")
    speaking.until("document.querySelector('#stage').textContent.includes('connection is lost')")
    speaking.until("sockets.length > 1 && document.querySelector('#working').hidden")
    before = speaking.run("document.querySelectorAll('#transcript .w').length")
    speaking.until(f"document.querySelectorAll('#transcript .w').length > {before + 8}")
    speaking.click("#play")
    speaking.until("document.querySelector('#hint').textContent.includes('Choose a word')")
    assert speaking.problems == []


def test_a_file_that_is_chosen_becomes_words_and_subtitles(page: Page, tmp_path: Path) -> None:
    page.choose_files("#files", GARDEN)
    page.until("document.querySelector('#hint').textContent.includes('Choose a word')")
    assert_heard(page.run(WORDS), GARDEN)
    page.click("[data-format=srt]")
    text = saved(tmp_path, "garden.srt")
    assert re.match(r"1\n00:00:0\d,\d{3} --> 00:00:0\d,\d{3}\n", text)
    assert_heard(text, GARDEN)
    assert page.problems == []


@pytest.mark.parametrize("width", [320, 1280])
def test_every_format_can_be_chosen_on_any_screen(page: Page, width: int) -> None:
    page.call(
        "Emulation.setDeviceMetricsOverride",
        width=width,
        height=700,
        deviceScaleFactor=1,
        mobile=False,
    )
    page.choose_files("#files", GARDEN)
    page.until("document.querySelector('#hint').textContent.includes('Choose a word')")
    boxes = page.run(
        "[...document.querySelectorAll('[data-format]')].map(b => b.getBoundingClientRect())"
        ".map(box => [box.left, box.right, box.width, box.height])"
    )
    assert len(boxes) == len(FORMATS)
    for left, right, box_width, height in boxes:
        assert left >= 0
        assert right <= width
        assert min(box_width, height) >= 40  # a finger's


def test_a_word_that_is_clicked_is_heard_and_marked(page: Page) -> None:
    page.choose_files("#files", STORY)
    page.until("document.querySelector('#hint').textContent.includes('Choose a word')")
    page.until("document.querySelector('#wave').ariaValueMax > 20")
    page.run("document.querySelectorAll('.w')[30].click()")
    page.until("document.querySelector('#play').ariaLabel === 'Pause'")
    now = page.until(
        "document.querySelector('.w.now') && +document.querySelector('.now').dataset.i"
    )
    assert 29 <= now <= 40


def test_files_that_are_dropped_are_done_one_after_the_other(page: Page) -> None:
    page.drop_files(300, 300, GARDEN, ROOT / "LICENSE", DATA / "temper.flac")
    page.until(f"{STATES}.join() === 'done,failed,done'")
    # What is no audio says so in the list, and that trying again would not help.
    in_list = page.run("document.querySelectorAll('#items button')[1].innerText")
    assert "Failed: The file object can't be decoded" in in_list
    page.run("document.querySelectorAll('#items button')[1].click()")
    assert "can’t be transcribed" in page.run("document.querySelector('#problem').innerText")
    assert page.run("document.querySelector('#again').hidden")
    page.run("document.querySelectorAll('#items button')[2].click()")
    assert_heard(page.run(WORDS), DATA / "temper.flac")


def test_words_can_be_walked_through_with_the_keyboard(page: Page) -> None:
    page.choose_files("#files", GARDEN)
    page.until("document.querySelector('#hint').textContent.includes('Choose a word')")
    for _ in range(30):
        page.key("Tab")
        if page.run("document.activeElement.classList.contains('w')"):
            break
    page.key("ArrowRight")
    page.key("ArrowRight")
    assert page.run("document.activeElement.dataset.i") == "2"
    page.key("Enter")
    page.until("document.querySelector('#play').ariaLabel === 'Pause'")


def test_everything_that_can_be_pressed_has_a_name(page: Page) -> None:
    page.choose_files("#files", GARDEN)
    page.until("document.querySelector('#hint').textContent.includes('Choose a word')")
    tree = page.call("Accessibility.getFullAXTree")["nodes"]
    nameless = [
        node["role"]["value"]
        for node in tree
        if node.get("role", {}).get("value") in {"button", "slider", "combobox", "link", "textbox"}
        and not node.get("name", {}).get("value", "").strip()
    ]
    assert nameless == []


def test_without_a_microphone_the_page_says_so(page: Page) -> None:
    page.click("[data-act=speak]")
    page.until("document.querySelector('#notice-text').textContent.includes('microphone')")
    assert page.run("document.body.dataset.view") == "welcome"


def test_the_key_is_asked_for_only_where_the_server_wants_one(page: Page, tmp_path: Path) -> None:
    assert page.run("document.querySelector('#key-form').hidden")
    with running_server(Settings(server=ServerOptions(api_keys=("se/cret=",)))) as url:
        page.open(url)
        for key, hidden in (("wrong", "false"), ("se/cret=", "true")):
            page.until("!document.querySelector('#key-form').hidden")
            page.run(f"document.querySelector('#key').value = '{key}'")
            page.click("#key-form button")
            page.until(f"document.querySelector('#key-form').hidden === {hidden}")
        page.until("document.querySelector('#limits').textContent.includes('megabytes')")
        assert page.run("sessionStorage.length === 1 && localStorage.length === 0")
        page.choose_files("#files", GARDEN)
        page.until("document.querySelector('#hint').textContent.includes('Choose a word')")
        page.click("[data-format=txt]")
        assert_heard(saved(tmp_path, ".txt"), GARDEN)


def test_a_file_that_is_too_large_is_told_before_it_is_sent(page: Page) -> None:
    with running_server(Settings(server=ServerOptions(max_upload_mb=0.01))) as url:
        page.open(url)
        page.until("document.querySelector('#limits').textContent.includes('megabytes')")
        page.choose_files("#files", STORY)
        page.until("document.querySelector('#problem-text').textContent.includes('at most')")


@pytest.mark.parametrize("width", [320, 390, 768])
def test_nothing_is_wider_than_the_screen(page: Page, width: int) -> None:
    page.call(
        "Emulation.setDeviceMetricsOverride",
        width=width,
        height=700,
        deviceScaleFactor=1,
        mobile=True,
    )
    wide = "document.documentElement.scrollWidth"
    assert page.run(wide) <= width
    page.choose_files("#files", GARDEN, DATA / "temper.flac")
    page.until("document.querySelector('#hint').textContent.includes('Choose a word')")
    assert page.run(wide) <= width
