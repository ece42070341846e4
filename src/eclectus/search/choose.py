"""The search that goes with a model."""

from __future__ import annotations

from eclectus.core.config import Head
from eclectus.core.errors import IncompatibleModelError
from eclectus.core.options import GreedySearch
from eclectus.core.protocols import AcousticModel, Search
from eclectus.search.ctc import CtcSearch
from eclectus.search.transducer import TransducerSearch


def make_search(model: AcousticModel, options: GreedySearch) -> Search:
    """Make the search for a model's head.

    Raises:
        IncompatibleModelError: The card names a transducer, and the model has no predictor.
        OptionError: An option is impossible.
    """
    if model.config.head is Head.CTC:
        return CtcSearch(model.config)
    if model.transducer is None:
        raise IncompatibleModelError(
            f"The model {model.config.name} is {model.config.head.upper()} by its card, but has no "
            "predictor and joint network; its folder may lack the decoder's file.",
            head=model.config.head.value,
        )
    return TransducerSearch(model.transducer, model.config, options)
