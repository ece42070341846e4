"""Values made fit for text formats."""

from __future__ import annotations

import json
import math
import re

# The control characters (C0, DEL and C1, which terminals obey) and the other ends of lines.
_CONTROLS = "\x00-\x1f\x7f-\x9f\u2028\u2029"
_BREAKS = re.compile(f"[{_CONTROLS} ]+")
_CONTROL = re.compile(f"[{_CONTROLS}]")
_SURROGATE = re.compile("[\ud800-\udfff]")
_FORMULA = re.compile(r"\s*[=+\-@＝＋－＠]")
_SHORT = {"\t": r"\t", "\n": r"\n", "\r": r"\r"}


def one_line(text: str) -> str:
    """Return the text on one line, control characters and runs of spaces made single spaces."""
    return _BREAKS.sub(" ", text).strip(" ")


def escaped(text: str) -> str:
    r"""Return the text on one line, each control character and backslash as a Python escape."""
    return _CONTROL.sub(_escape, text.replace("\\", r"\\"))


def printable(text: str) -> str:
    r"""Return the text with its control characters, newlines and tabs apart, as Python escapes."""
    return _CONTROL.sub(lambda found: found[0] if found[0] in "\n\t" else _escape(found), text)


def to_json(value: object, indent: int | None = None) -> str:
    """Write JSON that is readable and holds no raw control character."""
    text = json.dumps(value, ensure_ascii=False, allow_nan=False, indent=indent)
    # What is left after json.dumps stands within strings, apart from the newlines of the indent.
    return _CONTROL.sub(lambda found: _unicode(found) if found[0] != "\n" else "\n", text)


def without_surrogates(text: str) -> str:
    """Replace lone surrogates, which UTF-8 can't hold, by the replacement character."""
    return _SURROGATE.sub("\ufffd", text)


def no_formula(text: str) -> str:
    """Put an apostrophe before a text that a spreadsheet would take for a formula."""
    return f"'{text}" if _FORMULA.match(text) else text


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


def _escape(found: re.Match[str]) -> str:
    sign = found[0]
    return _SHORT.get(sign) or (f"\\x{ord(sign):02x}" if ord(sign) < 0x100 else _unicode(found))


def _unicode(found: re.Match[str]) -> str:
    return f"\\u{ord(found[0]):04x}"
