"""Name, files and backend together."""

import json
import shutil
from pathlib import Path

import numpy as np
import pytest

from eclectus.api import load
from eclectus.core.errors import (
    IncompatibleModelError,
    ModelFilesError,
    OptionError,
    UnknownModelError,
)
from eclectus.core.types import Features
from eclectus.models.references import BUILTIN_FOLDER


@pytest.mark.parametrize("name", [None, "tiny"])
def test_the_shipped_model_runs(name: str | None) -> None:
    with load(name, device="cpu", threads=1) as model:
        assert model.config.builtin
        assert len(model.tokenizer) == model.config.vocabulary_size
        features = Features(np.zeros((1, 80, 100), np.float32), np.array([100]))
        encoded = model.acoustic.encode(features)
        assert encoded.lengths.tolist() == [model.config.time_base.encoder_frames(100)]
        assert model.acoustic.transducer is not None


def copied(folder: Path, **card: object) -> Path:
    """The shipped model in a folder, with other values in its config.json."""
    shutil.copytree(BUILTIN_FOLDER, folder)
    path = folder / "config.json"
    path.write_text(json.dumps(json.loads(path.read_text()) | card))
    return folder


def test_a_copy_of_it_in_a_folder_runs_and_is_no_longer_the_shipped_one(tmp_path: Path) -> None:
    with load(copied(tmp_path / "mine"), device="cpu", threads=1) as model:
        assert not model.config.builtin


@pytest.mark.parametrize("factor", [4, 16, 64])
def test_a_wrong_subsampling_factor_is_blamed_on_the_file(factor: int, tmp_path: Path) -> None:
    folder = copied(tmp_path / "mine", subsampling_factor=factor)
    with (
        pytest.raises(IncompatibleModelError, match=r"\"subsampling_factor\" in the config\.json"),
        load(folder, device="cpu", threads=1) as model,
    ):
        model.transcribe(np.zeros(16_000, np.float32))


def test_what_is_wrong_is_told_before_the_engine_starts(tmp_path: Path) -> None:
    with pytest.raises(ModelFilesError, match="holds no Parakeet model"):
        load(tmp_path, device="cpu")
    with pytest.raises(UnknownModelError, match="Did you mean"):
        load("parakeet-tdt-0.6b-v5", device="cpu")
    with pytest.raises(OptionError, match="it has int8"):
        load(None, device="cpu", precision="fp16")
