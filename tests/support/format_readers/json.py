import json
from typing import Any

from tests.support.read_back import Row


def read(text: str) -> list[Row]:
    assert text.endswith("}\n")
    return [row_of(part) for part in json.loads(text)["segments"]]


def row_of(part: dict[str, Any]) -> Row:
    assert part["text"] == " ".join(word["text"] for word in part["words"])
    return Row(part["text"], round(part["start"] * 1000), round(part["end"] * 1000))
