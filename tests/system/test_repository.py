"""What stands around the package: files for contributors, packaging, pictures, hosted checks."""

from __future__ import annotations

import re
import tomllib
from pathlib import Path
from typing import Any

import pytest
import yaml
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

from eclectus._version import __version__

ROOT = Path(__file__).resolve().parents[2]
PROJECT: dict[str, Any] = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))
GITHUB = sorted([*ROOT.glob(".github/**/*.yml"), ROOT / ".pre-commit-config.yaml"])
LARGEST_PICTURE_BYTES = {".svg": 40_000, ".png": 150_000}


def test_the_source_archive_has_no_tests_that_could_not_run() -> None:
    included = PROJECT["tool"]["hatch"]["build"]["targets"]["sdist"]["include"]
    assert "/src" in included
    # Patterns without a slash in front would match anywhere below.
    assert [name for name in included if not (ROOT / name.lstrip("/")).exists()] == []
    assert not any("tests" in name for name in included)


def test_the_supported_versions_are_those_of_the_hosted_checks() -> None:
    workflow = yaml.safe_load((ROOT / ".github/workflows/test.yml").read_text())
    matrix = workflow["jobs"]["gates"]["strategy"]["matrix"]["python"]
    prefix = "Programming Language :: Python :: "
    promised = {
        line.removeprefix(prefix)
        for line in PROJECT["project"]["classifiers"]
        if line.startswith(prefix)
    }
    assert promised <= set(matrix)
    assert workflow["jobs"]["gates"]["steps"][-1]["run"].startswith("make test")


def test_the_hosted_checks_name_files_that_exist() -> None:
    text = (ROOT / ".github/workflows/test.yml").read_text()
    for name in re.findall(r"\b(?:tests|examples)/[\w./-]+", text):
        assert (ROOT / name).exists(), name


@pytest.mark.parametrize("path", GITHUB, ids=lambda path: path.name)
def test_a_file_of_the_hosting_service_parses(path: Path) -> None:
    assert yaml.safe_load(path.read_text(encoding="utf-8"))


def test_the_lock_file_covers_development_and_names_no_index() -> None:
    text = (ROOT / "requirements-dev.lock").read_text(encoding="utf-8")
    lines = [line for line in text.splitlines() if not line.startswith("#")]
    assert all(re.fullmatch(r"[a-z0-9.-]+==[A-Za-z0-9.]+", line) for line in lines)
    locked = {line.partition("==")[0] for line in lines}
    groups = PROJECT["dependency-groups"]
    direct = [*PROJECT["project"]["dependencies"], *groups["test"], *groups["lint"]]
    names = {canonicalize_name(Requirement(line).name) for line in direct}
    assert sorted(names - locked) == []


def test_the_changelog_has_a_section_for_this_version() -> None:
    text = (ROOT / "CHANGELOG.md").read_text(encoding="utf-8")
    sections = re.findall(r"^## (\d+\.\d+\.\d+)", text, re.MULTILINE)
    assert sections[0] == __version__
    assert len(set(sections)) == len(sections)


def test_the_pictures_of_the_readme_are_there_small_and_load_nothing() -> None:
    readme = (ROOT / "README.md").read_text(encoding="utf-8")
    pictures = [ROOT / name for name in re.findall(r"!\[[^\]]+\]\(([^)]+)\)", readme)]
    assert {picture.suffix for picture in pictures} == set(LARGEST_PICTURE_BYTES)
    for picture in pictures:
        assert 1_000 < picture.stat().st_size < LARGEST_PICTURE_BYTES[picture.suffix]
    drawing = next(one for one in pictures if one.suffix == ".svg").read_text(encoding="utf-8")
    assert re.findall(r"https?://[^\"\s]+", drawing) == ["http://www.w3.org/2000/svg"]
    assert "eclectus" in drawing


@pytest.mark.parametrize(
    ("clips", "label"), [("1x25", "one file of 25 s"), ("32x5-20", "32 files")]
)
def test_the_readme_has_the_measured_speeds(clips: str, label: str) -> None:
    readme = (ROOT / "README.md").read_text(encoding="utf-8")
    benchmarks = (ROOT / "docs" / "benchmarks.md").read_text(encoding="utf-8")
    (line,) = [text for text in readme.splitlines() if text.startswith(f"| {label}")]
    ours, theirs = line.replace("*", "").split("|")[2:4]
    for at, precision in enumerate(("fp32", "int8")):
        found = re.search(rf"\| {clips} \|.*eclectus:{precision}:.*", benchmarks)
        assert found is not None
        measured = [figure.strip() for figure in found[0].split("|")[5].split("/")]
        assert [cell.split("/")[at].strip() for cell in (ours, theirs)] == measured


@pytest.mark.parametrize(("label", "column"), [("live: a spoken word", 5), ("live: … and is", 6)])
def test_the_readme_has_the_measured_delays(label: str, column: int) -> None:
    readme = (ROOT / "README.md").read_text(encoding="utf-8")
    benchmarks = (ROOT / "docs" / "benchmarks.md").read_text(encoding="utf-8")
    (line,) = [text for text in readme.splitlines() if text.startswith(f"| {label}")]
    cells = line.replace("*", "").split("|")
    for system, at in {"eclectus": 2, "parakeet_mlx": 4, "nemo": 5}.items():
        found = re.search(rf"\| 5-0.8-0.8 \| {system}:fp32:1 .*", benchmarks)
        assert found is not None
        seconds = float(f"| tiny {found[0]}".split("|")[column].split("(")[0])
        assert cells[at].strip() == f"{seconds:.1f} s"


def test_the_readme_has_the_measured_equality() -> None:
    readme = (ROOT / "README.md").read_text(encoding="utf-8")
    benchmarks = (ROOT / "docs" / "benchmarks.md").read_text(encoding="utf-8")
    for label, model in (("files with", "small-tdt-128"), ("… with an", "small-tdt-80-powers")):
        (line,) = [text for text in readme.splitlines() if text.startswith(f"| {label}")]
        cells = line.replace("*", "").split("|")
        for system, at in {"eclectus": 2, "onnx_asr": 3}.items():
            found = re.search(rf"\| {model} \| {system}, batch 1 .*", benchmarks)
            assert found is not None
            assert cells[at].strip().replace("/", "of") == found[0].split("|")[-2].strip()
