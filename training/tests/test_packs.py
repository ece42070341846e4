from pathlib import Path

import numpy as np
import pytest

from recipe.packs import PackError, PackWriter, open_pack

ONE = np.arange(1600, dtype=np.int16)
TWO = np.arange(-800, 0, dtype=np.int16)


def _write(folder: Path, phones: bool = False) -> None:
    with PackWriter(folder, "p") as pack:
        pack.append(ONE, "flite-slt", "One, two.", [("w", 0.05), ("ah", 0.1)] if phones else [])
        pack.append(TWO, "lj", "Three?", [("th", 0.05)] if phones else [])


def test_a_pack_gives_back_what_was_written(tmp_path: Path) -> None:
    _write(tmp_path, phones=True)
    pack = open_pack(tmp_path, "p")
    assert pack.count == 2
    assert pack.seconds == pytest.approx(0.15)
    np.testing.assert_array_equal(pack.audio(0), ONE)
    np.testing.assert_array_equal(pack.audio(1), TWO)
    assert [pack.text(0), pack.voice(1)] == ["One, two.", "lj"]
    assert pack.phones(0) == [("w", 0.05), ("ah", 0.1)]


def test_phones_are_none_where_the_pack_has_none(tmp_path: Path) -> None:
    _write(tmp_path)
    assert open_pack(tmp_path, "p").phones(1) is None


def test_a_second_writer_goes_on_where_the_first_stopped(tmp_path: Path) -> None:
    _write(tmp_path)
    with PackWriter(tmp_path, "p") as pack:
        pack.append(ONE, "joe", "Four.")
    reopened = open_pack(tmp_path, "p")
    assert [reopened.text(i) for i in range(3)] == ["One, two.", "Three?", "Four."]
    np.testing.assert_array_equal(reopened.audio(2), ONE)


def test_audio_without_its_line_is_cut_off(tmp_path: Path) -> None:
    _write(tmp_path)
    with (tmp_path / "p.i16").open("ab") as file:
        file.write(b"\x01" * 333)
    with PackWriter(tmp_path, "p") as pack:
        pack.append(TWO, "joe", "Four.")
    np.testing.assert_array_equal(open_pack(tmp_path, "p").audio(2), TWO)


def test_half_a_line_is_cut_off(tmp_path: Path) -> None:
    _write(tmp_path, phones=True)
    table, phones = tmp_path / "p.tsv", tmp_path / "p.phones.jsonl"
    table.write_text(table.read_text()[:-4])
    with PackWriter(tmp_path, "p") as pack:
        assert len(pack.entries) == 1
        pack.append(TWO, "joe", "Four.", [("f", 0.05)])
    assert len(phones.read_text().splitlines()) == 2
    assert open_pack(tmp_path, "p").phones(1) == [("f", 0.05)]


def test_an_utterance_whose_audio_is_cut_short_is_dropped(tmp_path: Path) -> None:
    _write(tmp_path)
    with (tmp_path / "p.i16").open("r+b") as file:
        file.truncate(2 * ONE.size + 10)
    with pytest.raises(PackError, match="shorter"):
        open_pack(tmp_path, "p")
    with PackWriter(tmp_path, "p") as pack:
        assert [entry.text for entry in pack.entries] == ["One, two."]
    assert open_pack(tmp_path, "p").count == 1


def test_an_empty_pack_opens(tmp_path: Path) -> None:
    PackWriter(tmp_path, "p").close()
    assert open_pack(tmp_path, "p").count == 0


@pytest.mark.parametrize("text", ["", "a\tb", "a\nb"])
def test_a_text_that_breaks_the_table_is_refused(tmp_path: Path, text: str) -> None:
    with PackWriter(tmp_path, "p") as pack, pytest.raises(PackError):
        pack.append(ONE, "joe", text)


def test_only_int16_is_stored(tmp_path: Path) -> None:
    with PackWriter(tmp_path, "p") as pack, pytest.raises(PackError):
        pack.append(ONE.astype(np.float32), "joe", "Four.")  # type: ignore[arg-type]  # on purpose


def test_phones_for_some_utterances_only_are_refused(tmp_path: Path) -> None:
    _write(tmp_path, phones=True)
    with PackWriter(tmp_path, "p") as pack, pytest.raises(PackError, match="all"):
        pack.append(ONE, "joe", "Four.")


def test_a_foreign_table_is_refused(tmp_path: Path) -> None:
    (tmp_path / "p.tsv").write_text("file\ttext\nx.wav\thello\n")
    with pytest.raises(PackError, match="not the table"):
        open_pack(tmp_path, "p")
