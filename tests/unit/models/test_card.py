"""Reading `config.json`."""

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


@pytest.mark.parametrize(
    "text",
    [
        "{",
        "[]",
        "\x00\x01",
        '{"features_size": "80"}',
        '{"features_size": 0}',
        '{"features_size": true}',
        '{"subsampling_factor": 1.5}',
        '{"name": 3}',
        '{"languages": "en"}',
        '{"durations": [0, -1]}',
        '{"durations": [0, 1.5]}',
        '{"max_window_s": "long"}',
        '{"tail_frames": 0.5}',
        '{"max_window_s": 0}',
        "[" * 100_000,
        '{"pad": "' + "x" * 4_200_000 + '"}',
    ],
    ids=lambda text: text[:24],
)
def test_a_broken_file_is_named_with_a_remedy(tmp_path: Path, text: str) -> None:
    path = write(tmp_path, text)
    with pytest.raises(ModelFilesError, match=r"config\.json can't be used: .*delete it"):
        read_card(path)
