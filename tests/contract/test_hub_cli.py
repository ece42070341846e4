"""`eclectus models` from end to end: the program, the real hub client, a hub on this machine."""

import json
import re
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import huggingface_hub.constants
import pytest
from rich.console import Console
from rich.progress import Progress

from eclectus.apps.cli import downloads
from eclectus.apps.cli.main import run
from tests.support import graphs
from tests.support.hub_server import HubServer, running_hub

REPO = "acme/parakeet"
PINNED = "8f23f0c03c8761650bdb5b40aaf3e40d2c15f1ce"
V3 = "istupakov/parakeet-tdt-0.6b-v3-onnx"
FILES = graphs.fused_files() | graphs.fused_files(suffix=".int8")

Result = tuple[int, str, str]
Command = Callable[..., Result]


@pytest.fixture
def hub() -> Iterator[HubServer]:
    with running_hub() as server:
        server.add(REPO, FILES)
        server.add(V3, FILES)
        server.repos[V3].commits[PINNED] = dict(FILES)
        yield server


@pytest.fixture
def command(
    hub: HubServer,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> Command:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path))
    monkeypatch.setenv("NO_PROXY", "127.0.0.1,localhost")
    monkeypatch.setenv("ECLECTUS_HUB__ENDPOINT", hub.url)
    monkeypatch.setenv("ECLECTUS_HUB__CACHE_DIR", str(tmp_path / "models"))
    monkeypatch.setattr(huggingface_hub.constants, "HF_TOKEN_PATH", str(tmp_path / "no-token"))

    def call(*arguments: str) -> Result:
        code = run(["models", *arguments])
        printed = capsys.readouterr()
        return code, printed.out, printed.err

    return call


def test_a_model_is_pulled_shown_found_verified_and_removed(command: Command) -> None:
    code, out, err = command("pull", REPO, "--int8")
    assert code == 0
    folder = Path(out.strip())
    assert (folder / "encoder-model.int8.onnx").is_file()
    assert "encoder-model.int8.onnx: " in err
    assert command("path", REPO) == (0, f"{folder}\n", "")
    code, out, _ = command("verify", REPO)
    assert code == 0
    assert out.count("\tgood\n") == 3
    code, out, _ = command("remove", REPO, "--yes")
    assert code == 0
    assert "freed" in out
    assert not folder.exists()
    assert command("path", REPO)[0] == 4


def test_the_list_has_the_catalogue_and_what_is_here(command: Command) -> None:
    command("pull", "parakeet-tdt-0.6b-v3", "--int8", "--quiet")
    command("pull", REPO, "--quiet")
    rows = {row["name"]: row for row in json.loads(command("list", "--json")[1])}
    assert rows["tiny"]["local"]["precisions"] == ["int8"]
    assert rows["parakeet-tdt-0.6b-v3"]["local"]["commit"] == PINNED
    assert rows["parakeet-tdt-0.6b-v3"]["local"]["precisions"] == ["int8"]
    assert rows["parakeet-tdt-0.6b-v2"]["local"] is None
    assert rows[REPO]["local"]["verified"]
    assert len(rows) == 11
    local = command("list", "--local")[1].splitlines()
    assert [line.split("\t")[0] for line in local] == ["tiny", "parakeet-tdt-0.6b-v3", REPO]
    lines = command("list")[1].splitlines()
    assert len(lines) == 11
    assert lines[1].startswith("parakeet-tdt-0.6b-v3\ttdt\t600 M\t25 languages\tfp32, int8, fp16\t")


def test_a_model_is_shown_before_and_after_it_is_here(command: Command) -> None:
    before = json.loads(command("show", "v3", "--json")[1])
    assert before["parameters_m"] == 600
    assert "path" not in before
    command("pull", "v3", "--quiet")
    after = json.loads(command("show", "v3", "--json")[1])
    assert (after["layout"], after["mel_bins"], after["precision"]) == ("fused", 80, "fp32")
    assert set(after["files"]) == {"encoder-model.onnx", "decoder_joint-model.onnx"}
    assert after["license"] == "CC-BY-4.0"


def test_the_shipped_model_is_shown_for_a_person(command: Command) -> None:
    code, out, _ = command("show", "tiny")
    assert code == 0
    assert "name\teclectus-tiny\n" in out
    assert "durations\t0, 1, 2, 3, 4\n" in out
    assert re.search(r"files\tencoder-model\.int8\.onnx \(\d\.\d MB\), ", out)


def test_any_hub_id_can_be_shown_before_it_is_here(command: Command) -> None:
    shown = json.loads(command("show", "nobody/nothing", "--json")[1])
    assert shown == {"name": "nobody/nothing", "repositories": ["nobody/nothing"]}


def test_the_shipped_model_needs_no_pull_and_stays(command: Command) -> None:
    code, out, _ = command("pull", "tiny")
    assert code == 0
    assert out.strip().endswith("tiny")
    code, _, err = command("remove", "tiny", "--yes")
    assert code == 2
    assert "part of the package" in err
    assert command("verify", "tiny")[0] == 0


def test_verification_exits_by_how_many_models_are_broken(command: Command) -> None:
    folder = Path(command("pull", REPO, "--quiet")[1].strip())
    command("pull", "v3", "--quiet")
    assert command("verify")[0] == 0
    (folder / "vocab.txt").unlink()
    code, out, err = command("verify")
    assert code == 3
    assert "vocab.txt\tmissing\n" in out
    assert "pull" in err
    assert command("verify", REPO)[0] == 4


@pytest.mark.parametrize(
    ("arguments", "code", "told"),
    [
        (["pull", "parakeet-tdt-0.6b-v7"], 4, "Did you mean parakeet-tdt-0.6b-v"),
        (["pull", "acme/none"], 4, "has no repository acme/none"),
        (["pull", REPO, "--bf16"], 2, "has no bf16 files"),
        (["pull", REPO, "--int8", "--fp32"], 2, "contradict each other"),
        (["pull", REPO, "--offline"], 4, "offline mode"),
        (["path", REPO], 4, f"`eclectus models pull {REPO}` fetches it"),
        (["pull", REPO, "--endpoint", "http://127.0.0.1:9"], 4, "http://127.0.0.1:9"),
        (["verify", REPO], 4, "was not pulled"),
        (["remove", REPO, "--yes"], 4, "is not on this machine"),
        (["pull"], 2, "NAME"),
    ],
)
def test_what_goes_wrong_is_told_with_its_exit_code(
    command: Command,
    monkeypatch: pytest.MonkeyPatch,
    arguments: list[str],
    code: int,
    told: str,
) -> None:
    monkeypatch.setattr("time.sleep", lambda seconds: None)
    left, _, err = command(*arguments)
    assert told in err
    assert left == code


def test_removal_asks_first(command: Command, monkeypatch: pytest.MonkeyPatch) -> None:
    folder = Path(command("pull", REPO, "--quiet")[1].strip())
    monkeypatch.setattr("typer.confirm", _refuse)
    assert command("remove", REPO)[0] != 0
    assert folder.exists()


def _refuse(text: str, *, abort: bool) -> None:
    assert REPO in text
    assert abort
    raise SystemExit(1)


def test_a_folder_for_models_can_be_given(command: Command, tmp_path: Path) -> None:
    elsewhere = tmp_path / "elsewhere"
    code, out, _ = command("pull", REPO, "--cache-dir", str(elsewhere), "--quiet")
    assert code == 0
    assert Path(out.strip()).is_relative_to(elsewhere)
    assert command("path", REPO)[0] == 4
    assert command("path", REPO, "--cache-dir", str(elsewhere))[0] == 0


def test_without_the_hub_client_the_catalogue_is_still_shown(
    command: Command, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("ECLECTUS_HUB__CACHE_DIR")
    monkeypatch.setitem(sys.modules, "huggingface_hub", None)
    code, out, err = command("list")
    assert code == 0
    assert "parakeet-tdt-0.6b-v3" in out
    assert "eclectus[hub]" in err
    code, out, _ = command("show", "v3")
    assert code == 0
    assert "CC-BY-4.0" in out


def test_bars_follow_each_file() -> None:
    with Progress(console=Console(quiet=True)) as shown:
        bars = downloads._Bars(shown)
        bars("a", 5, 10)
        bars("b", 1, 0)
        bars("a", 10, 10)
        assert [(task.description, task.completed, task.total) for task in shown.tasks] == [
            ("a", 10, 10),
            ("b", 1, None),
        ]


def test_a_terminal_gets_a_table_and_bars(
    command: Command, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("sys.stdout.isatty", lambda: True)
    monkeypatch.setattr("sys.stderr.isatty", lambda: True)
    monkeypatch.setenv("COLUMNS", "160")
    code, _, err = command("pull", REPO)
    assert code == 0
    assert "encoder-model.onnx" in err
    _, out, _ = command("list")
    assert "on this machine" in out
    assert "\t" not in out
