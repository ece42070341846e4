"""What a user meant by a name."""

import tarfile
from pathlib import Path

import pytest

from eclectus.core.choices import Precision
from eclectus.core.errors import IncompatibleModelError, ModelFilesError, UnknownModelError
from eclectus.models.references import BUILTIN_FOLDER, FolderReference, HubReference, parse


@pytest.mark.parametrize("name", [None, "tiny", "Tiny", "builtin"])
def test_nothing_and_tiny_are_the_model_that_is_shipped(name: str | None) -> None:
    assert parse(name) == FolderReference(BUILTIN_FOLDER, builtin=True)
    assert (BUILTIN_FOLDER / "vocab.txt").is_file()


def test_an_existing_folder_is_taken(tmp_path: Path) -> None:
    assert parse(str(tmp_path)) == FolderReference(tmp_path)
    assert parse(tmp_path) == FolderReference(tmp_path)


def test_a_folder_comes_before_a_name(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "v3").mkdir()
    monkeypatch.chdir(tmp_path)
    assert parse("v3") == FolderReference(Path("v3"))


@pytest.mark.parametrize("name", ["parakeet-tdt-0.6b-v3", "nvidia/parakeet-tdt-0.6b-v3", "v3"])
def test_names_lead_to_the_published_files(name: str) -> None:
    reference = parse(name)
    assert isinstance(reference, HubReference)
    assert reference.name == "parakeet-tdt-0.6b-v3"
    assert reference.exports[0].repo == "istupakov/parakeet-tdt-0.6b-v3-onnx"
    assert [one.repo for one in reference.having(Precision.FP16)] == [
        "grikdotnet/parakeet-tdt-0.6b-fp16"
    ]


def test_a_published_repository_keeps_its_pin() -> None:
    reference = parse("istupakov/parakeet-tdt-0.6b-v3-onnx")
    assert isinstance(reference, HubReference)
    assert reference.entry is not None
    assert reference.exports[0].revision == "8f23f0c03c8761650bdb5b40aaf3e40d2c15f1ce"


def test_a_given_revision_comes_before_the_pin() -> None:
    reference = parse("istupakov/parakeet-tdt-0.6b-v3-onnx@main")
    assert isinstance(reference, HubReference)
    assert reference.exports[0].revision == "main"
    assert reference.entry is not None


def test_any_hub_id_is_taken() -> None:
    reference = parse("Acme/my_model.v1@refs/pr/3")
    assert isinstance(reference, HubReference)
    assert (reference.name, reference.entry) == ("Acme/my_model.v1", None)
    assert reference.exports[0].revision == "refs/pr/3"
    assert reference.having(Precision.INT8) == reference.exports


def test_a_misspelt_name_gets_near_ones() -> None:
    with pytest.raises(UnknownModelError, match=r"Did you mean parakeet-tdt-0\.6b-v") as caught:
        parse("parakeet-tdt-0.6b-v9")
    assert "parakeet-tdt-0.6b-v3" in str(caught.value.context["near"])


@pytest.mark.parametrize("name", ["xyzzy", "", "a b/c", "x" * 5000, "nul\0byte"])
def test_nonsense_is_unknown(name: str) -> None:
    if name == "":
        name = "?"
    with pytest.raises(UnknownModelError, match="models list"):
        parse(name)


@pytest.mark.parametrize("name", ["./models/x", "/no/such/folder", "~/nope-eclectus", "a/b/c"])
def test_what_looks_like_a_path_is_told_as_a_path(name: str) -> None:
    with pytest.raises(ModelFilesError, match="There is no model folder"):
        parse(name)


def test_a_missing_path_object_is_told_as_a_path(tmp_path: Path) -> None:
    with pytest.raises(ModelFilesError, match="There is no model folder"):
        parse(tmp_path / "nope")


def test_a_file_points_at_its_folder(tmp_path: Path) -> None:
    (tmp_path / "encoder.onnx").write_bytes(b"x")
    with pytest.raises(ModelFilesError, match="name the folder"):
        parse(str(tmp_path / "encoder.onnx"))


@pytest.mark.parametrize("inside", [False, True])
def test_a_nemo_archive_points_at_conversion_and_the_published_files(
    tmp_path: Path, inside: bool
) -> None:
    path = tmp_path / "parakeet-tdt-0.6b-v2.nemo"
    with tarfile.open(path, "w"):
        pass
    with pytest.raises(IncompatibleModelError, match=r"models convert.*pull parakeet-tdt-0\.6b-v2"):
        parse(tmp_path if inside else path)


def test_a_broken_nemo_archive_is_told(tmp_path: Path) -> None:
    (tmp_path / "mine.nemo").write_bytes(b"junk")
    with pytest.raises(IncompatibleModelError, match=r"not a whole tar.*models list"):
        parse(tmp_path / "mine.nemo")


def test_a_model_without_published_files_says_so() -> None:
    with pytest.raises(IncompatibleModelError, match=r"nvidia/parakeet-tdt_ctc-1\.1b"):
        parse("parakeet-tdt_ctc-1.1b")
