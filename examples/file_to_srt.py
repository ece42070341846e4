"""Subtitles of a recording: `python examples/file_to_srt.py talk.flac talk.srt`.

Needs `pip install '.[cpu]'` in a clone.
"""

import sys
from pathlib import Path

import eclectus
from eclectus.output.registry import render


def main(recording: str, subtitles: str) -> None:
    with eclectus.load() as model:
        transcript = model.transcribe(recording)
    Path(subtitles).write_text(render(transcript, "srt"), encoding="utf-8")
    print(f"{subtitles}: {len(transcript.segments)} segments, {transcript.duration:.1f} s")


if __name__ == "__main__":
    main(*sys.argv[1:])
