#!/usr/bin/env python3
"""Write .env.example, the references of docs/ and the marked lists of pages from the code.

`--check` only compares.
"""

from __future__ import annotations

import os
import re
import sys
from collections.abc import Iterator
from pathlib import Path

# The width that help is laid out for, whatever the terminal.
os.environ["COLUMNS"] = "100"  # noqa: TID251 - a script, not the product

from eclectus.apps.cli.help import all_help
from eclectus.config.aliases import ALIASES
from eclectus.config.schema import Setting, schema, sections
from eclectus.core.option_spec import Kind
from eclectus.output.registry import FORMATS, listing

ROOT = Path(__file__).resolve().parent.parent
NOTICE = "Written by scripts/generate_reference.py; change the source, not this file."


def written(value: object) -> str:
    if value is None:
        return "none"
    if isinstance(value, bool):
        return str(value).lower()
    return ",".join(value) if isinstance(value, tuple) else str(value)


def kind(setting: Setting) -> str:
    spec = setting.option
    if spec.choices:
        return " ".join(f"`{choice}`" for choice in spec.choices)
    if spec.kind is Kind.TEXTS:
        return "list"
    if spec.kind is Kind.TEXT:
        return "text" + (" or `none`" if spec.optional else "")
    text = spec.possible.replace(" and at most 1000000000", "").replace(" to 1000000000", " on")
    return re.sub(r",? or none$", " or `none`", text)


def meaning(setting: Setting) -> str:
    flag = f" Flag: `{setting.option.declared.flag}`." if setting.option.declared.flag else ""
    return (
        re.sub(r"\b([Nn]one)\b(?= (for|not|never|after|mixes|to|where)|:)", "`none`", setting.help)
        + flag
    )


def grouped() -> Iterator[tuple[str, list[Setting]]]:
    yield "", [setting for setting in schema().values() if "." not in setting.key]
    for section in sections():
        yield section, [one for one in schema().values() if one.key.startswith(f"{section}.")]


def env_example() -> str:
    lines = [f"# {NOTICE}", "# Copy it to .env and remove the # of what you change.", ""]
    for section, settings in grouped():
        if section:
            lines += [f"# -- {section}: {sections()[section].declared.help}", ""]
        for setting in settings:
            choices = f" ({', '.join(setting.option.choices)})" if setting.option.choices else ""
            default = "" if setting.default is None else written(setting.default)
            lines += [f"# {meaning(setting)}{choices}", f"# {setting.variable}={default}", ""]
    return "\n".join(lines)


def settings_page() -> str:
    lines = [
        "# Settings",
        "",
        f"<!-- {NOTICE} -->",
        "",
        "How they are put together is told in [Configuration](../guides/configuration.md).",
        "",
    ]
    for section, settings in grouped():
        lines += [f"## {section or 'At the top'}", ""]
        if section:
            lines += [sections()[section].declared.help, ""]
        lines += ["| key | variable | values | default | meaning |", "|---|---|---|---|---|"]
        lines += [
            f"| `{one.key}` | `{one.variable}` | {kind(one)} | `{written(one.default)}` "
            f"| {meaning(one)} |"
            for one in settings
        ]
        lines.append("")
    lines += [
        "## Variables of other systems",
        "",
        "They set what stands beside them, unless the variable of eclectus is set too.",
        "",
        "| variable | setting | note |",
        "|---|---|---|",
    ]
    for alias in ALIASES:
        lines.append(
            f"| `{alias.variable}` | {f'`{alias.key}`' if alias.key else '-'} | {alias.note} |"
        )
    return "\n".join([*lines, ""])


def cli_page() -> str:
    lines = ["# Command line", "", f"<!-- {NOTICE} -->", ""]
    for command, text in all_help().items():
        lines += [f"## {command}", "", "```text", text.rstrip(), "```", ""]
    return "\n".join(lines)


def formats_table() -> str:
    lines = ["| format | what it is | finest times | media type |", "|---|---|---|---|"]
    lines += [
        f"| `{one.name}` | {one.title}: {one.summary} | {one.grain} | `{one.media_type}` |"
        for one in FORMATS.values()
    ]
    return "\n".join(["", "", *lines, "", ""])


# What stands between `<!-- formats:table -->` and `<!-- / -->` on a page for people.
BLOCKS = {
    "formats:table": formats_table,
    "formats:list": lambda: listing(FORMATS, " and "),
}
MARKED = re.compile(r"(<!-- ([a-z]+:[a-z]+) -->).*?(<!-- / -->)", re.DOTALL)


def marked_pages() -> dict[Path, str]:
    """Return the pages that have marks, filled anew."""
    pages = {}
    for path in [ROOT / "README.md", *sorted((ROOT / "docs").rglob("*.md"))]:
        text = path.read_text(encoding="utf-8")
        if MARKED.search(text):
            pages[path] = MARKED.sub(lambda found: found[1] + BLOCKS[found[2]]() + found[3], text)
    return pages


def main() -> int:
    pages = {
        ROOT / ".env.example": env_example(),
        ROOT / "docs/reference/settings.md": settings_page(),
        ROOT / "docs/reference/cli.md": cli_page(),
        **marked_pages(),
    }
    for command, text in all_help().items():
        snapshot = f"{command.replace(' ', '-')}.txt"
        pages[ROOT / "tests/cli/snapshots" / snapshot] = f"{text.rstrip()}\n"
    stale = []
    for path, text in pages.items():
        if path.exists() and path.read_text(encoding="utf-8") == text:
            continue
        stale.append(str(path.relative_to(ROOT)))
        if "--check" not in sys.argv:
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(text, encoding="utf-8")
    if stale and "--check" in sys.argv:
        print("stale, run scripts/generate_reference.py:", *stale, sep="\n  ")
        return 1
    print("references:", "written: " + ", ".join(stale) if stale else "up to date")
    return 0


if __name__ == "__main__":
    sys.exit(main())
