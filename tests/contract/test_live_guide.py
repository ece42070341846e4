"""The programs of the guide to the live protocols, as they stand there, against a real server."""

from __future__ import annotations

import ast
import re
from pathlib import Path

import jiwer
import pytest

from eclectus.config.schema import Settings
from eclectus.config.server_options import ServerOptions
from tests.support.clips import DATA, spoken
from tests.support.server import running

GUIDE = Path(__file__).parents[2] / "docs" / "guides" / "server-live.md"
BLOCKS = re.findall(r"```python\n(.*?)```", GUIDE.read_text(encoding="utf-8"), re.DOTALL)
# LiveKit is too large for a development environment.
PROGRAMS = [block for block in BLOCKS if "asyncio.run" in block and "livekit" not in block]


def test_every_block_of_the_guide_is_python() -> None:
    assert len(PROGRAMS) == 3
    for block in BLOCKS:
        ast.parse(block)


@pytest.mark.filterwarnings("ignore::DeprecationWarning")  # the clients' own
def test_the_programs_print_what_was_said(capsys: pytest.CaptureFixture[str]) -> None:
    with running(Settings(server=ServerOptions(wyoming_port=0))) as (url, server):
        for program in PROGRAMS:
            here = program.replace("127.0.0.1:8765", url.removeprefix("http://"))
            here = here.replace("10300", str(server.wyoming_port))
            here = here.replace("talk.flac", str(DATA / "garden.flac"))
            exec(compile(here, "guide", "exec"), {"__name__": "__main__"})
            assert jiwer.wer(spoken(), " ".join(capsys.readouterr().out.split())) <= 0.35
