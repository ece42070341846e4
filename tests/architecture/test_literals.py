"""What is true in one place is written in one place."""

import ast
from collections.abc import Iterator
from pathlib import Path

import pytest

PACKAGE = Path(__file__).resolve().parents[2] / "src" / "eclectus"
HOMES: dict[object, set[str]] = {
    16_000: {"core/timebase.py"},
    "tiny": {"models/catalog.py"},
    ".m4a": {"signal/media_formats.py"},
    "lv": {"core/languages.py"},
    "audio_signal": {"networks/onnx_ports.py"},
    "encoder_outputs": {"networks/onnx_ports.py"},
}


def literals(tree: ast.AST) -> Iterator[object]:
    return (node.value for node in ast.walk(tree) if isinstance(node, ast.Constant))


@pytest.mark.parametrize("literal", HOMES)
def test_a_fact_has_one_home(literal: object) -> None:
    places = set()
    for path in PACKAGE.rglob("*.py"):
        if literal in literals(ast.parse(path.read_text(encoding="utf-8"))):
            places.add(path.relative_to(PACKAGE))
    assert {place.as_posix() for place in places} == HOMES[literal]
