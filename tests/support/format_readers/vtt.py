import re

from tests.support.read_back import Row, block

SIGNS = {"&lt;": "<", "&gt;": ">", "&amp;": "&"}


def read(text: str) -> list[Row]:
    assert text.endswith("\n")
    header, *blocks = text.removesuffix("\n").split("\n\n")
    assert header == "WEBVTT"
    rows = [block(part.split("\n"), ".") for part in blocks]
    assert not any("-->" in row.text for row in rows)
    return [Row(_unescaped(row.text), row.start_ms, row.end_ms) for row in rows]


def _unescaped(text: str) -> str:
    return re.sub("&[a-z]*;?", lambda sign: SIGNS[sign[0]], text)
