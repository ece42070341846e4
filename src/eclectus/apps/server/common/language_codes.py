"""Languages as clients write them."""

from __future__ import annotations

_ANY = ("", "auto", "multi", "und")


def language_code(name: str | None) -> str | None:
    """Return the ISO 639-1 code of `de`, `DE`, `de-AT` or `de_AT`.

    None where the model shall find out: nothing is given, or `auto`, `multi`, `und`.
    """
    code = (name or "").partition("-")[0].partition("_")[0].strip().lower()
    return None if code in _ANY else code
