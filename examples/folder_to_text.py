"""A folder of recordings to text files beside them: `python examples/folder_to_text.py FOLDER`.

All files share batches; one that can't be read fails alone. Needs `pip install '.[cpu]'`.
"""

import sys
from pathlib import Path

import eclectus

SUFFIXES = {".flac", ".mp3", ".ogg", ".wav"}


def main(folder: str) -> int:
    files = sorted(file for file in Path(folder).iterdir() if file.suffix in SUFFIXES)
    failed = 0
    with eclectus.load() as model:
        for outcome in model.transcribe_many(files):
            if outcome.transcript is None:
                failed += 1
                print(f"{outcome.source}: {outcome.error}", file=sys.stderr)
                continue
            text = Path(str(outcome.source)).with_suffix(".txt")
            text.write_text(outcome.transcript.text + "\n", encoding="utf-8")
            print(text)
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1]))
