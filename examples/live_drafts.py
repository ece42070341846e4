"""A recording as if it were spoken now, with drafts: `python examples/live_drafts.py talk.flac`.

A draft stands in brackets and is replaced by the next line; final words never change. Needs
`pip install '.[cpu]'` in a clone.
"""

import sys

import soundfile

import eclectus
from eclectus.streaming.events import Endpoint, Final, Partial

BLOCK_S = 0.1


def show(event: object) -> None:
    if isinstance(event, Partial):
        print(f"  [{event.text}]")
    elif isinstance(event, Final):
        print(event.text)
    elif isinstance(event, Endpoint):
        print(f"-- {event.at:.2f} s: {event.reason}")


def main(recording: str) -> None:
    with eclectus.load() as model, soundfile.SoundFile(recording) as file:
        session = model.stream(sample_rate=file.samplerate)
        size = round(BLOCK_S * file.samplerate)
        for block in file.blocks(size, dtype="float32", always_2d=True):
            for event in session.push(block.mean(axis=1)):
                show(event)
        for event in session.finish():
            show(event)


if __name__ == "__main__":
    main(sys.argv[1])
