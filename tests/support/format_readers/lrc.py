import re

from tests.support.read_back import Row


def read(text: str) -> list[Row]:
    assert text == "" or text.endswith("\n")
    rows = []
    for line in text.splitlines():
        times = re.findall(r"[\[<](\d+):(\d+)[.:](\d+)[\]>]", line)
        match = re.fullmatch(r"\[(\d{2,}):([0-5]\d)\.(\d\d)\](.*)", line)
        assert match is not None
        assert len(times) == 1
        minutes, seconds, hundredths = map(int, match.groups()[:3])
        rows.append(Row(match[4], (minutes * 60 + seconds) * 1000 + hundredths * 10))
    return rows
