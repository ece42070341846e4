"""Every block of the documentation runs as it stands there, in what looks like a fresh clone.

A block is run, or parsed where its language is that of a file. What can't be run here is in
`NOT_RUN`, with the reason, and is checked as far as possible.
"""

from __future__ import annotations

import ast
import json
import re
import signal
import subprocess
import time
import tomllib
from collections.abc import Callable, Iterator
from importlib.util import find_spec
from pathlib import Path
from typing import NamedTuple

import pytest
import yaml
from _pytest.mark import ParameterSet

from eclectus.config.settings import load_settings
from eclectus.service.telemetry import Telemetry
from tests.support.clips import right
from tests.support.clone import PATIENCE_S, Clone, fresh_clone
from tests.support.markdown import ROOT, Block, Command, blocks_of, commands_of
from tests.support.server_process import free_port, wait_until_ready

PATTERNS = (
    *("*.md", ".github/**/*.md", "docs/**/*.md", "src/**/*.md", "deploy/**/*.md"),
    *("benchmarks/*.md", "examples/**/*.md", "training/*.md"),
)
PAGES = sorted({page for pattern in PATTERNS for page in ROOT.glob(pattern)})
BLOCKS = [block for page in PAGES for block in blocks_of(page)]

SHELLS = {"bash", "sh", "console"}
# Packages too large for the environment of the tests: programs that need them are compiled only.
OPTIONAL_PACKAGES = {"pipecat", "livekit"}
# Commands that the documentation shows because they fail, and their exit codes.
FAILING = {"ECLECTUS_BACKEND__DEVCE=": 2}


# -- What is checked in place of running a command --------------------------------------------


def extras_exist(_clone: Clone, command: str) -> None:
    """The extras of eclectus that pip is given are those of pyproject.toml."""
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    known = set(project["optional-dependencies"])
    given = re.findall(r"(?:eclectus|'\.|\s\.)\[([a-z,]+)\]", command)
    assert {name for names in given for name in names.split(",")} <= known
    assert "eclectus[" not in command, "nothing is published yet: pip install '.[…]'"


def make_has_it(clone: Clone, command: str) -> None:
    """The Makefile has the target."""
    done = clone.run("bash", "-c", f"{command} --dry-run", text="")
    assert done.returncode == 0, done.stderr


def gate_exists(_clone: Clone, command: str) -> None:
    """`scripts/check` has the gates that it is given."""
    script = (ROOT / "scripts" / "check").read_text()
    for gate in command.split()[1:]:
        assert re.search(rf"\b(gate_)?{gate}\b", script), gate


def flags_exist(clone: Clone, command: str) -> None:
    """The command of eclectus knows all its flags: `--help` is answered after them only."""
    own = re.sub(r"^.*\beclectus (?=\w)", "eclectus ", command)
    done = clone.run("bash", "-c", f"{own} --help", text="")
    assert done.returncode == 0, done.stderr


def benchmark_has_flags(_clone: Clone, command: str) -> None:
    """The benchmark's parser names each flag."""
    for module in re.findall(r"-m (benchmarks\.\w+)", command):
        source = (ROOT / f"{module.replace('.', '/')}.py").read_text()
        given = set(re.findall(r"\s(--[a-z-]+)", command.split(module)[1]))
        assert {flag for flag in given if f'"{flag}"' not in source} <= shared_flags()


def shared_flags() -> set[str]:
    return set(re.findall(r'"(--[a-z-]+)"', (ROOT / "benchmarks" / "clips.py").read_text()))


def files_exist(_clone: Clone, command: str) -> None:
    """What looks like a file of the repository is one, and compose and chart files agree."""
    names = re.findall(r"(?:^|[\s=])((?:deploy|scripts|examples|docs)/[\w./-]+)", command)
    for name in names:
        assert (ROOT / name).exists(), name
        if name.endswith(".yaml"):
            yaml.safe_load((ROOT / name).read_text())
    values = yaml.safe_load((ROOT / "deploy/helm/eclectus/values.yaml").read_text())
    for key in re.findall(r"--set ([\w.]+)=", command):
        found = values
        for part in key.split("."):
            assert part in found, key
            found = found[part]


def serves(clone: Clone, command: str) -> None:
    """It starts on another port, is ready, and ends when it's told to."""
    port = free_port()
    process = subprocess.Popen(
        ["bash", "-c", f"exec {command} --port {port}"],
        cwd=clone.folder,
        env=clone.environment(command),
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    try:
        wait_until_ready(f"http://127.0.0.1:{port}", process)
        process.send_signal(signal.SIGTERM)
        # uvicorn ends by the signal itself once the application has ended.
        assert process.wait(PATIENCE_S) in (0, -signal.SIGTERM)
    finally:
        process.kill()


def watches(clone: Clone, command: str) -> None:
    """It transcribes what lies there, and goes on until it is interrupted."""
    process = subprocess.Popen(
        ["bash", "-c", f"exec {command}"],
        cwd=clone.folder,
        env=clone.environment(command),
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    try:
        end = time.monotonic() + PATIENCE_S
        while not list((clone.folder / "transcripts").glob("*.srt")):
            assert time.monotonic() < end
            assert process.poll() is None
            time.sleep(0.1)
        process.send_signal(signal.SIGINT)
        assert process.wait(PATIENCE_S) == 130
    finally:
        process.kill()


def nothing(_clone: Clone, _command: str) -> None:
    """There is nothing of ours in it."""


class Rule(NamedTuple):
    pattern: str
    why: str
    check: Callable[[Clone, str], None]


NOT_RUN = (
    Rule(r"\bpip install", "it changes the environment; gates `wheel`, `floors`", extras_exist),
    Rule(r"^make ", "it makes environments of its own; the gates are such", make_has_it),
    Rule(r"^scripts/check ", "these are the gates themselves", gate_exists),
    Rule(r"^python scripts/(lock|make_pictures)", "it writes into the repository", files_exist),
    Rule(r"^python examples/", "tests/system/test_examples.py runs them", files_exist),
    Rule(r"-m benchmarks\.", "it takes minutes, and other systems' packages", benchmark_has_flags),
    Rule(r"^[A-Z]+=\"", "variables of benchmarks", nothing),
    Rule(r"opentelemetry-instrument", "OpenTelemetry's packages are not installed", flags_exist),
    Rule(r"\beclectus serve", "it runs until it is stopped", serves),
    Rule(r"^uvicorn --factory", "it runs until it is stopped", serves),
    Rule(r"eclectus transcribe --watch", "it runs until it is stopped", watches),
    Rule(r"eclectus stream(?!.* -( |$))(?!.*\.flac( |$))", "it needs a microphone", flags_exist),
    Rule(r"^(ECLECTUS_\S+ )?docker ", "it needs a Docker daemon", files_exist),
    Rule(r"^(helm|kubectl) ", "it needs a cluster", files_exist),
    Rule(r"^ears ", "a program of eaRS", nothing),
    Rule(r"^(git (tag|push)|python -m build|twine)", "it publishes a release", nothing),
)
# What a command is given here in place of what the documentation says.
INSTEAD = ((r"eclectus worker\b", "eclectus worker --until-empty", "it runs until it is stopped"),)
# Files whose commands run in environments of their own, which other gates make.
ELSEWHERE = {"training/README.md", "training/DATA.md", "src/eclectus/models/builtin/tiny/README.md"}


@pytest.fixture(scope="module")
def clone(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Clone]:
    with fresh_clone(tmp_path_factory.mktemp("documentation")) as made:
        yield made


def of(*languages: str) -> list[Block]:
    return [
        block for block in BLOCKS if block.language in languages and block.path not in ELSEWHERE
    ]


def needing(block: Block) -> ParameterSet:
    """A block with marks for the programs that its commands need."""
    programs = [name for name in ("curl", "make") if re.search(rf"(^|\s){name} ", block.text)]
    marks = [pytest.mark.needs_program(*programs)] if programs else []
    return pytest.param(block, id=str(block), marks=marks)


def placed(clone: Clone, text: str) -> str:
    """A text with the addresses of the services that run here."""
    if ":8765" in text or "10300" in text:
        address, wyoming_port = clone.addresses
        text = re.sub(r"(127\.0\.0\.1|localhost):8765", address, text)
        text = text.replace("10300", str(wyoming_port))
    if "redis://queue.example:6379/0" in text:
        text = text.replace("redis://queue.example:6379/0", clone.queue_url)
    return text


# -- Commands ---------------------------------------------------------------------------------


def rule_of(command: Command) -> Rule | None:
    if command.root:
        return Rule("", "it changes the system", files_exist)
    return next((rule for rule in NOT_RUN if re.search(rule.pattern, command.text)), None)


@pytest.mark.slow
@pytest.mark.parametrize("block", [needing(block) for block in of(*SHELLS)])
def test_the_commands_of_a_block_run(block: Block, clone: Clone) -> None:
    commands = commands_of(block)
    assert commands
    typed = []
    for command in commands:
        if rule := rule_of(command):
            rule.check(clone, command.text)
        else:
            typed.append(command)
    # Requests stand alone, and each has an answer of its own.
    for group in [[one] for one in typed] if "curl" in block.text else [typed] if typed else []:
        run_all(clone, group)


def run_all(clone: Clone, commands: list[Command]) -> None:
    script = "\n".join(command.text for command in commands)
    for pattern, replacement, _why in INSTEAD:
        script = re.sub(pattern, replacement, script, flags=re.MULTILINE)
    code = next((code for part, code in FAILING.items() if part in script), 0)
    done = clone.run("bash", "-c", f"set -euo pipefail\n{placed(clone, script)}", text=script)
    assert done.returncode == code, done.stderr
    said = plain(done.stdout + done.stderr)
    for line in (line for command in commands for line in command.shown if line.strip() != "…"):
        assert plain(line) in said
    if "curl " in script:
        answered(script, done.stdout)


def answered(request: str, answer: str) -> None:
    """The server said what was asked for."""
    if "file=@" in request or "--data-binary" in request:
        assert right(answer, "story" if "story.flac" in request else "garden"), answer
    for path, part in {"/v1/models": "tiny", "/load": "Load was successful!"}.items():
        assert path not in request or part in answer


def plain(text: str) -> str:
    """A text without what differs from run to run: numbers, ids, and how much space there is."""
    return re.sub(r"\d+", "0", re.sub(r"\b[0-9a-f]{12}\b", "ID", " ".join(text.split())))


# -- Programs ---------------------------------------------------------------------------------


def roots_of(code: str) -> set[str]:
    found: set[str] = set()
    for node in ast.walk(ast.parse(code)):
        if isinstance(node, ast.Import):
            found |= {alias.name.partition(".")[0] for alias in node.names}
        elif isinstance(node, ast.ImportFrom):
            found.add(str(node.module).partition(".")[0])
            found |= {part for part in str(node.module).split(".") if part in OPTIONAL_PACKAGES}
    return found


@pytest.mark.slow
@pytest.mark.parametrize("block", of("python"), ids=str)
def test_a_program_runs(block: Block, clone: Clone) -> None:
    missing = [name for name in roots_of(block.text) & OPTIONAL_PACKAGES if find_spec(name) is None]
    if missing:
        compile(block.text, str(block), "exec")
        return
    done = clone.run("python", "-c", placed(clone, block.text), text=block.text)
    assert done.returncode == 0, done.stderr
    if "print(" in block.text and ("transcribe" in block.text or "asyncio.run" in block.text):
        names = ["story"] if "story.flac" in block.text else ["garden"]
        assert right(done.stdout, *names), done.stdout


# -- Files ------------------------------------------------------------------------------------


@pytest.mark.parametrize("block", of("toml"), ids=str)
def test_a_configuration_file_is_accepted(block: Block, tmp_path: Path) -> None:
    file = tmp_path / "eclectus.toml"
    file.write_text(block.text, encoding="utf-8")
    assert load_settings(config=file, environ={}).settings is not None


@pytest.mark.parametrize("block", of("json"), ids=str)
def test_json_parses(block: Block) -> None:
    assert json.loads(block.text)


@pytest.mark.parametrize("block", of("nginx"), ids=str)
def test_a_proxy_configuration_is_complete(block: Block) -> None:
    lines = [line.strip() for line in block.text.splitlines() if line.strip()]
    assert block.text.count("{") == block.text.count("}")
    assert all(line[-1] in ";{}" for line in lines)
    assert "127.0.0.1:8765" in block.text


@pytest.mark.parametrize("block", of("promql"), ids=str)
def test_a_query_asks_for_metrics_that_exist(block: Block) -> None:
    known = {family.name for family in Telemetry().registry.collect()}
    for name in re.findall(r"\beclectus_\w+", block.text):
        assert re.sub(r"_(bucket|total|sum|count)$", "", name) in known


# -- The mechanism itself ---------------------------------------------------------------------


def test_every_block_has_a_language_that_is_tested() -> None:
    tested = SHELLS | {"python", "toml", "json", "nginx", "promql", "text"}
    assert [str(block) for block in BLOCKS if block.language not in tested] == []


@pytest.mark.slow
@pytest.mark.parametrize(
    "text",
    [
        "$ eclectus config path --nothing\n",
        "$ eclectus --version\nanother text\n",
        "$ false\n$ true\n",
        "$ pip install 'eclectus[cpu]'\n",
        "$ pip install '.[nothing]'\n",
        "$ eclectus stream --nothing\n",
        "$ docker build -f deploy/Absent -t eclectus .\n",
        "$ helm install speech deploy/helm/eclectus --set nothing=1\n",
        "$ python -m benchmarks.load --nothing\n",
        "$ make nothing\n",
    ],
)
def test_a_block_that_does_not_work_is_found(text: str, clone: Clone) -> None:
    with pytest.raises(AssertionError):
        test_the_commands_of_a_block_run(Block("x.md", 1, "console", text), clone)


def test_commands_are_read_with_their_continuations_and_without_comments() -> None:
    block = Block("x.md", 1, "console", "$ a \\\n    --b c  # why\nshown\n\n# d\n")
    assert commands_of(block) == [Command("a --b c", shown=("shown",)), Command("d", root=True)]
    with pytest.raises(ValueError, match="without a prompt"):
        commands_of(Block("x.md", 1, "console", "a\n"))


def test_the_pages_for_newcomers_have_blocks() -> None:
    pages = {block.path for block in BLOCKS}
    assert {"README.md", "docs/index.md", "docs/tutorial/first-transcript.md"} <= pages
    assert sum(page.startswith("docs/guides/") for page in pages) > 10


def test_every_rule_is_needed() -> None:
    commands = [command for block in of(*SHELLS) for command in commands_of(block)]
    used = {rule.pattern for command in commands if (rule := rule_of(command))}
    assert [rule.pattern for rule in NOT_RUN if rule.pattern not in used] == []
    texts = "\n".join(command.text for command in commands)
    assert [pattern for pattern, *_ in INSTEAD if not re.search(pattern, texts, re.M)] == []
    assert [part for part in FAILING if part not in texts] == []
    paths = {block.path for block in BLOCKS}
    assert [path for path in ELSEWHERE if not (ROOT / path).exists()] == []
    assert paths


def test_the_readme_has_two_commands_for_a_fresh_clone() -> None:
    readme = [block for block in of(*SHELLS) if block.path == "README.md"]
    texts = [command.text for block in readme for command in commands_of(block)]
    assert [text for text in texts if text.startswith("make ")] == ["make demo", "make test"]


@pytest.mark.slow
def test_the_demo_of_the_makefile_shows_text_and_subtitles(clone: Clone) -> None:
    makefile = (ROOT / "Makefile").read_text(encoding="utf-8")
    line = next(line for line in makefile.splitlines() if "/bin/eclectus" in line)
    done = clone.run("bash", "-c", line.strip().replace("$(VENV)/bin/", ""), text="")
    assert done.returncode == 0, done.stderr
    assert right(done.stdout, "story")
    assert re.search(r"00:00:\d\d,\d{3} --> 00:00:\d\d,\d{3}", done.stdout)
