#!/usr/bin/env python3
"""Make the two pictures of the README from real runs: the terminal and the web page.

    python scripts/make_pictures.py [terminal] [page]

The terminal is an SVG of what the commands print; the page is a screenshot that Chromium takes of a
running server after it has transcribed the shipped clip.
"""

from __future__ import annotations

import io
import re
import subprocess
import sys
from pathlib import Path

from rich.console import Console
from rich.text import Text

ROOT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT))

PICTURES = ROOT / "docs" / "pictures"
CLIP = "examples/clips/story.flac"
COMMANDS = (
    f"eclectus transcribe {CLIP}",
    f"eclectus transcribe {CLIP} --output-format srt --stdout --quiet | head -8",
)
COLUMNS = 96
# What goes to standard error: dimmed, as a reader skips it.
NOTE = re.compile(r"^(eclectus: |examples/|\d+ files? transcribed)")
# Rich's own layout without its web fonts: a picture loads nothing.
FRAME = """<svg class="rich-terminal" viewBox="0 0 {width} {height}" \
xmlns="http://www.w3.org/2000/svg">
<style>
.{unique_id}-matrix {{ font-family: ui-monospace, Menlo, Consolas, monospace; \
font-size: {char_height}px; line-height: {line_height}px; }}
.{unique_id}-title {{ font-family: sans-serif; font-size: 18px; font-weight: bold; }}
{styles}
</style>
<defs>
<clipPath id="{unique_id}-clip-terminal">
<rect x="0" y="0" width="{terminal_width}" height="{terminal_height}" />
</clipPath>
{lines}
</defs>
{chrome}
<g transform="translate({terminal_x}, {terminal_y})" clip-path="url(#{unique_id}-clip-terminal)">
{backgrounds}
<g class="{unique_id}-matrix">
{matrix}
</g>
</g>
</svg>
"""
WINDOW = {"width": 1_000, "height": 620, "deviceScaleFactor": 1.25, "mobile": False}


def terminal() -> None:
    """Write `terminal.svg`."""
    console = Console(record=True, width=COLUMNS, file=io.StringIO(), highlight=False)
    for number, command in enumerate(COMMANDS):
        said = subprocess.run(
            ["bash", "-o", "pipefail", "-c", command],
            cwd=ROOT,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            check=True,
        ).stdout
        prompt = Text("$ ", style="bold green").append(command, style="bold white")
        console.print(Text("\n") + prompt if number else prompt)
        for line in said.rstrip().splitlines():
            console.print(Text(line, style="dim" if NOTE.match(line) else ""))
    svg = console.export_svg(title="eclectus", code_format=FRAME, unique_id="t")
    (PICTURES / "terminal.svg").write_text(svg, encoding="utf-8")


def page() -> None:
    """Write `page.png`."""
    from tests.support.browser import open_page
    from tests.support.server import running_server

    with running_server() as url, open_page() as tab:
        tab.call("Emulation.setDeviceMetricsOverride", **WINDOW)
        tab.call("Emulation.setScrollbarsHidden", hidden=True)
        tab.open(url)
        tab.until("document.querySelector('#limits').textContent.includes('megabytes')")
        tab.choose_files("input[type=file]", ROOT / CLIP)
        tab.until("document.querySelector('#items li')?.dataset.state === 'done'")
        tab.until("document.querySelectorAll('#transcript .w').length > 40")
        # The note about the finished file fades after some seconds.
        tab.until("getComputedStyle(document.querySelector('.toast')).opacity === '0'")
        tab.screenshot(PICTURES / "page.png")


def main() -> None:
    pictures = {"terminal": terminal, "page": page}
    for name in sys.argv[1:] or pictures:
        pictures[name]()


if __name__ == "__main__":
    main()
