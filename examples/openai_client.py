"""OpenAI's client against `eclectus serve`: `python examples/openai_client.py talk.flac`.

Needs a running server (`pip install '.[cpu,server]'`, `eclectus serve`) and `pip install openai`.
The second argument is another address than the default one.
"""

import sys
from pathlib import Path

from openai import OpenAI


def main(recording: str, address: str = "http://127.0.0.1:8765") -> None:
    client = OpenAI(base_url=f"{address}/v1", api_key="none")
    with Path(recording).open("rb") as file:
        answer = client.audio.transcriptions.create(
            file=file,
            model="whisper-1",  # the server's default model
            response_format="verbose_json",
            timestamp_granularities=["word"],
        )
    print(answer.text)
    for word in answer.words or []:
        print(f"{word.start:7.2f} {word.end:7.2f} {word.word}")


if __name__ == "__main__":
    main(*sys.argv[1:])
