"""The words of a recording as an Audacity label track: `python examples/word_labels.py talk.flac`.

Prints one line for each word: start, end, text, separated by tabs. Words of which the model is
unsure are marked. Needs `pip install '.[cpu]'` in a clone.
"""

import sys

import eclectus

UNSURE = 0.4


def main(recording: str) -> None:
    with eclectus.load() as model:
        transcript = model.transcribe(recording)
    for word in transcript.words:
        mark = " ?" if word.confidence is not None and word.confidence < UNSURE else ""
        print(f"{word.start:.3f}\t{word.end:.3f}\t{word.text}{mark}")


if __name__ == "__main__":
    main(sys.argv[1])
