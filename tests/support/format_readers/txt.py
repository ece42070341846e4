from tests.support.read_back import Row


def read(text: str) -> list[Row]:
    assert text == "" or text.endswith("\n")
    return [Row(line) for line in text.splitlines()]
