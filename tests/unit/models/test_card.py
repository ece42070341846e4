"""Reading `config.json`."""

import dataclasses
from pathlib import Path

import pytest

from eclectus.core.errors import IncompatibleModelError, ModelFilesError
from eclectus.core.model_config import Head
from eclectus.models.card import Card, read_card


def write(folder: Path, text: str) -> Path:
    path = folder / "config.json"
    path.write_text(text)
    return path


def test_a_missing_file_is_an_empty_card(tmp_path: Path) -> None:
    assert read_card(tmp_path / "config.json") == Card()


def test_every_key_is_read(tmp_path: Path) -> None:
    path = write(
        tmp_path,
        '{"model_type": "nemo-conformer-tdt", "features_size": 128, "subsampling_factor": 8, '
        '"name": "mine", "languages": ["en", "de"], "durations": [0, 2, 4], "max_window_s": 80, '
        '"tail_frames": 1, "something": "else"}',
    )
    assert read_card(path) == Card(
        head=Head.TDT,
        mel_bins=128,
        subsampling=8,
        name="mine",
        languages=("en", "de"),
        durations=(0, 2, 4),
        max_window_s=80.0,
        tail_frames=1,
    )


@pytest.mark.parametrize(("kind", "head"), [("rnnt", Head.RNNT), ("ctc", Head.CTC)])
def test_other_heads_are_read(tmp_path: Path, kind: str, head: Head) -> None:
    assert read_card(write(tmp_path, f'{{"model_type": "nemo-conformer-{kind}"}}')).head is head


@pytest.mark.parametrize("kind", ['"nemo-conformer-aed"', '"whisper"', "3"])
def test_another_model_is_refused_by_name(tmp_path: Path, kind: str) -> None:
    path = write(tmp_path, f'{{"model_type": {kind}}}')
    with pytest.raises(IncompatibleModelError, match="is not a Parakeet model"):
        read_card(path)


NO_NUMBERS = ['"8"', "true", "[8]", "{}", "8.0", "NaN", "Infinity", "1e999", "-8", "9" * 400]
NO_LISTS = ['"en"', "3", "true", "{}", '{"en": 1}']
WRONG: dict[str, list[str]] = {
    "model_type": ['""', '"tdt"', '"nemo-conformer-aed"', '"whisper"', "3", "true", "[]", "{}"],
    "features_size": [*NO_NUMBERS, "0", "1025"],
    "subsampling_factor": [*NO_NUMBERS, "0", "65"],
    "name": ["3", "true", "[]", "{}", '""', '"  "', '"a\\nb"', '"\\ud800"', f'"{"x" * 201}"'],
    "languages": [
        *NO_LISTS,
        *('["EN"]', '["English"]', '["e"]', '[""]', '["en", "en"]', '["en\\n"]', '["en-GB"]'),
        *("[3]", "[null]", '[["en"]]'),
    ],
    "durations": [
        *NO_LISTS,
        *("[0]", "[0, 0, 0, 0, 0]", "[0, -1]", "[0, 1.5]", '[0, "1"]', "[0, true]", "[0, null]"),
        *("[0, 1001]", f"[0, {'9' * 400}]", f"[{'1, ' * 1000}1]", "[0, NaN]"),
    ],
    "max_window_s": [
        *('"20"', "true", "[20]", "{}", "NaN", "Infinity", "-Infinity", "1e999", "-20", "9" * 400),
        *("0", "0.5", "86401"),
    ],
    "tail_frames": [*NO_NUMBERS, "101"],
}
RIGHT: dict[str, list[str]] = {
    "model_type": ['"nemo-conformer-ctc"', "null"],
    "features_size": ["1", "80", "1024", "null"],
    "subsampling_factor": ["1", "4", "64", "null"],
    "name": ['"x"', '"Zoë 2"', "null"],
    "languages": ['["en", "de"]', '["yue"]', "[]", "null"],
    "durations": ["[0, 1, 2, 4, 8]", "[1]", "[0, 1000]", "[]", "null"],
    "max_window_s": ["1", "20.5", "86400", "null"],
    "tail_frames": ["0", "1", "100", "null"],
}


def cases(table: dict[str, list[str]]) -> list[tuple[str, str]]:
    return [(key, value) for key, values in table.items() for value in values]


def short(value: str) -> str:
    return ascii(value)[:24]


def test_the_tables_below_are_about_every_key() -> None:
    assert len(WRONG) == len(RIGHT) == len(dataclasses.fields(Card))


@pytest.mark.parametrize(("key", "value"), cases(WRONG), ids=short)
def test_an_impossible_value_is_blamed_on_the_file_and_the_key(
    tmp_path: Path, key: str, value: str
) -> None:
    path = write(tmp_path, f'{{"{key}": {value}}}')
    with pytest.raises((ModelFilesError, IncompatibleModelError)) as caught:
        read_card(path)
    message = str(caught.value)
    assert str(path) in message
    assert f'"{key}"' in message
    assert len(message) < len(str(path)) + 400
    assert message.isprintable()
    assert (caught.value.context["path"], caught.value.context["key"]) == (str(path), key)


@pytest.mark.parametrize(("key", "value"), cases(RIGHT), ids=short)
def test_a_possible_value_is_taken(tmp_path: Path, key: str, value: str) -> None:
    read_card(write(tmp_path, f'{{"{key}": {value}}}'))


@pytest.mark.parametrize(
    "text",
    ["{", "[]", "\x00\x01", "null", "[" * 100_000, '{"pad": "' + "x" * 4_200_000 + '"}'],
    ids=short,
)
def test_a_broken_file_is_named_with_a_remedy(tmp_path: Path, text: str) -> None:
    path = write(tmp_path, text)
    with pytest.raises(ModelFilesError, match=r"config\.json can't be used: .*delete it"):
        read_card(path)


def test_a_file_that_is_no_utf_8_is_named(tmp_path: Path) -> None:
    path = tmp_path / "config.json"
    path.write_bytes(b'{"name": "\xff\xfe"}')
    with pytest.raises(ModelFilesError, match=r"config\.json can't be used: it is no JSON"):
        read_card(path)
