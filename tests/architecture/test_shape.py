"""The house's shape: short functions, small modules, narrow signatures."""

import ast
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
SOURCES = sorted((ROOT / "src").rglob("*.py"))
MAX_FUNCTION_LINES = 60
MAX_MODULE_LINES = 400
MAX_PARAMETERS = 8

Function = ast.FunctionDef | ast.AsyncFunctionDef


def functions(tree: ast.AST) -> Iterator[Function]:
    for node in ast.walk(tree):
        if isinstance(node, Function):
            yield node


def length(function: Function) -> int:
    end = function.end_lineno or function.lineno
    first = function.body[0]
    documented = ast.get_docstring(function) is not None
    docstring = (first.end_lineno or 0) - first.lineno + 1 if documented else 0
    return end - function.lineno + 1 - docstring


def parameters(function: Function) -> int:
    names = [a.arg for a in (*function.args.posonlyargs, *function.args.args)]
    own = [name for name in names if name not in {"self", "cls"}]
    return len(own) + len(function.args.kwonlyargs)


@pytest.mark.parametrize("path", SOURCES, ids=lambda path: str(path.relative_to(ROOT / "src")))
def test_a_module_can_be_seen_at_once(path: Path) -> None:
    text = path.read_text(encoding="utf-8")
    assert text.count("\n") <= MAX_MODULE_LINES
    for function in functions(ast.parse(text)):
        assert length(function) <= MAX_FUNCTION_LINES, function.name
        # Commands of the command line declare one parameter a flag: that is their surface.
        if "apps/cli" not in path.as_posix():
            assert parameters(function) <= MAX_PARAMETERS, function.name


def test_there_is_something_to_measure() -> None:
    assert len(SOURCES) > 20
