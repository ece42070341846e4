"""Where files that are no Python package lie; `speech.mk` fetches them."""

from pathlib import Path

from recipe.voices.base import SynthesisError

FOLDER = Path(__file__).resolve().parents[2] / "assets"


def folder_of(name: str) -> Path:
    """The folder of one fetched thing.

    Raises:
        SynthesisError: If it was not fetched.
    """
    path = FOLDER / name
    if not path.is_dir():
        raise SynthesisError(f"{path} is missing; run `make -f recipe/speech.mk assets`")
    return path
