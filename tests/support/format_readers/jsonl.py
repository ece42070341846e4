import json

from tests.support.format_readers.json import row_of
from tests.support.read_back import Row


def read(text: str) -> list[Row]:
    assert text == "" or text.endswith("}\n")
    return [row_of(json.loads(line)) for line in text.splitlines()]
