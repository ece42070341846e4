"""The search that goes with a model."""

from __future__ import annotations

from typing import Any

from eclectus.core.errors import IncompatibleModelError
from eclectus.core.model_config import Head
from eclectus.core.options import GreedySearch
from eclectus.core.protocols import AcousticModel, Search, StreamSearch
from eclectus.search.ctc import CtcSearch
from eclectus.search.transducer import TransducerSearch


def make_search(model: AcousticModel, options: GreedySearch) -> Search:
    """Make the search of whole utterances for a model's head.

    Raises:
        IncompatibleModelError: The card names a transducer, and the model has no predictor.
        OptionError: An option is impossible.
    """
    return _make(model, options)


def make_stream_search(model: AcousticModel, options: GreedySearch) -> StreamSearch[Any]:
    """Make the search of streams for a model's head.

    Raises:
        IncompatibleModelError: The card names a transducer, and the model has no predictor.
        OptionError: An option is impossible.
    """
    return _make(model, options)


def _make(model: AcousticModel, options: GreedySearch) -> CtcSearch | TransducerSearch:
    if model.config.head is Head.CTC:
        return CtcSearch(model.config)
    if model.transducer is None:
        raise IncompatibleModelError(
            f"The model {model.config.name} is {model.config.head.upper()} by its card, but has no "
            "predictor and joint network; its folder may lack the decoder's file.",
            head=model.config.head.value,
        )
    return TransducerSearch(model.transducer, model.config, options)
