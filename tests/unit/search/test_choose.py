"""Choosing the search that goes with a model."""

from __future__ import annotations

import numpy as np
import pytest

from eclectus.core.errors import IncompatibleModelError
from eclectus.core.model_config import Head, ModelConfig
from eclectus.core.options import GreedySearch
from eclectus.core.protocols import AcousticModel
from eclectus.core.types import Features
from eclectus.search.choose import make_search
from eclectus.search.ctc import CtcSearch
from eclectus.search.transducer import TransducerSearch
from tests.support.toy_transducer import ToyModel, toy_config


class Headless(ToyModel):
    """A model that has lost its decoder."""

    @property
    def transducer(self) -> None:
        return None


@pytest.mark.parametrize(
    ("config", "kind"),
    [
        (toy_config(12, (0, 1, 2)), TransducerSearch),
        (toy_config(12), TransducerSearch),
        (toy_config(12, head=Head.CTC), CtcSearch),
    ],
)
def test_each_head_has_its_search(config: ModelConfig, kind: type) -> None:
    model = ToyModel(config)
    assert isinstance(model, AcousticModel)
    search = make_search(model, GreedySearch())
    assert isinstance(search, kind)
    noise = np.random.default_rng(0).normal(size=(2, 80, 100)).astype(np.float32)
    found = search(model.encode(Features(noise, np.array([100, 37]))))
    assert len(found) == 2
    assert sum(len(h) for h in found) > 0
    assert found[1].frames.max(initial=0) < (37 - 1) // 8 + 1


def test_a_transducer_without_its_networks_is_refused() -> None:
    with pytest.raises(IncompatibleModelError, match="no predictor and joint"):
        make_search(Headless(toy_config(12)), GreedySearch())
