"""Values made fit for text formats."""

from __future__ import annotations

import math
import re

# Characters that end a line somewhere, and the control characters.
_BREAKS = re.compile("[\x00-\x20\x7f\x85\u2028\u2029]+")


def one_line(text: str) -> str:
    """Return the text on one line, control characters and runs of spaces made single spaces."""
    return _BREAKS.sub(" ", text).strip(" ")


def milliseconds(seconds: float) -> int:
    """Round to whole milliseconds; order is kept."""
    return round(seconds * 1000)


def rounded(value: float | None, digits: int) -> float | None:
    """Round a number for JSON; what is missing or not finite is None."""
    return round(value, digits) if value is not None and math.isfinite(value) else None


def clock(total_ms: int, separator: str) -> str:
    """Write milliseconds as HH:MM:SS and thousandths."""
    seconds, thousandths = divmod(total_ms, 1000)
    minutes, second = divmod(seconds, 60)
    hours, minute = divmod(minutes, 60)
    return f"{hours:02d}:{minute:02d}:{second:02d}{separator}{thousandths:03d}"
