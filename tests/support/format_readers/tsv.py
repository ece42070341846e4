import re

from tests.support.read_back import Row

SIGNS = {"\\\\": "\\", "\\t": "\t", "\\n": "\n", "\\r": "\r"}


def read(text: str) -> list[Row]:
    header, *lines = text.splitlines()
    assert header == "start\tend\ttext"
    rows = []
    for line in lines:
        start, end, told = line.split("\t")
        rows.append(Row(_unescaped(told), int(start), int(end)))
    return rows


def _unescaped(text: str) -> str:
    escape = r"\\(?:[\\tnr]|x[0-9a-f]{2}|u[0-9a-f]{4})"
    return re.sub(escape, lambda sign: SIGNS.get(sign[0]) or chr(int(sign[0][2:], 16)), text)
