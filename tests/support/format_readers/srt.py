from tests.support.read_back import Row, block


def read(text: str) -> list[Row]:
    assert text == "" or text.endswith("\n\n")
    rows = []
    blocks = text.removesuffix("\n\n").split("\n\n") if text else []
    for number, part in enumerate(blocks, start=1):
        lines = part.split("\n")
        assert lines[0] == str(number)
        rows.append(block(lines[1:], ","))
    assert not any("-->" in row.text for row in rows)
    return rows
