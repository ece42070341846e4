"""Name, files and backend together."""

import shutil
from pathlib import Path

import numpy as np
import pytest

from eclectus.core.choices import Device, Precision
from eclectus.core.errors import ModelFilesError, OptionError, UnknownModelError
from eclectus.core.options import BackendOptions, HubOptions
from eclectus.core.types import Features
from eclectus.models.loader import load_model, resolve
from eclectus.models.references import BUILTIN_FOLDER

CPU = BackendOptions(device=Device.CPU, threads=1)


@pytest.mark.parametrize("name", [None, "tiny"])
def test_the_shipped_model_runs(name: str | None) -> None:
    loaded = load_model(name, CPU)
    assert loaded.config.builtin
    assert len(loaded.tokenizer) == loaded.config.vocabulary_size
    features = Features(np.zeros((1, 80, 100), np.float32), np.array([100]))
    encoded = loaded.acoustic.encode(features)
    assert encoded.lengths.tolist() == [loaded.config.time_base.encoder_frames(100)]
    assert loaded.acoustic.transducer is not None
    loaded.acoustic.close()


def test_a_copy_of_it_in_a_folder_runs_and_is_no_longer_the_shipped_one(tmp_path: Path) -> None:
    folder = tmp_path / "mine"
    shutil.copytree(BUILTIN_FOLDER, folder)
    loaded = load_model(folder, CPU)
    assert not loaded.config.builtin
    loaded.acoustic.close()


def test_names_lead_to_folders(tmp_path: Path) -> None:
    assert resolve(None) == BUILTIN_FOLDER
    assert resolve(str(tmp_path), HubOptions()) == tmp_path


def test_what_is_wrong_is_told_before_the_engine_starts(tmp_path: Path) -> None:
    with pytest.raises(ModelFilesError, match="holds no Parakeet model"):
        load_model(tmp_path, CPU)
    with pytest.raises(UnknownModelError, match="Did you mean"):
        load_model("parakeet-tdt-0.6b-v5", CPU)
    with pytest.raises(OptionError, match="it has int8"):
        load_model(None, BackendOptions(device=Device.CPU, precision=Precision.FP16))
