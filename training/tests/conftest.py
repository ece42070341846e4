"""A small data folder of made-up speech that the tests share."""

from pathlib import Path

import numpy as np
import pytest
import torch

from recipe.tokenizer import FILE_NAME, train_tokenizer
from tests.chords import WORDS, write_pack


@pytest.fixture(autouse=True)
def _one_thread() -> None:
    torch.set_num_threads(1)


@pytest.fixture
def data(tmp_path: Path) -> Path:
    """A folder with a training pack, a held-out pack and a tokenizer."""
    folder = tmp_path / "data"
    write_pack(folder, "chords-train", 40)
    write_pack(folder, "chords-held", 4, seed=1)
    random = np.random.default_rng(2)
    sentences = [" ".join(random.choice(WORDS, 4)) for _ in range(300)]
    train_tokenizer(sentences, folder / FILE_NAME, 24)
    return folder
