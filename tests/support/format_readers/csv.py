import csv
import io

from tests.support.read_back import Row


def read(text: str) -> list[Row]:
    rows = list(csv.DictReader(io.StringIO(text, newline=""), strict=True))
    assert all(None not in row and None not in row.values() for row in rows)
    return [
        Row(row["text"], round(float(row["start"]) * 1000), round(float(row["end"]) * 1000))
        for row in rows
    ]
