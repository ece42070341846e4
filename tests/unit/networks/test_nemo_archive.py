"""Recognising NeMo's archive."""

import gzip
import io
import tarfile
import tracemalloc
from pathlib import Path

import pytest

from eclectus.networks import nemo_archive
from eclectus.networks.nemo_archive import NemoFacts, is_nemo, read_nemo

TARGET = "nemo.collections.asr.models.rnnt_bpe_models.EncDecRNNTBPEModel"
CONFIG = f"preprocessor:\n  features: 128\ntarget: {TARGET}\n".encode()


def archive(path: Path, members: dict[str, bytes], mode: str = "w") -> Path:
    with tarfile.open(path, mode) as tar:  # type: ignore[call-overload]  # the mode is a literal
        for name, data in members.items():
            info = tarfile.TarInfo(name)
            info.size = len(data)
            tar.addfile(info, io.BytesIO(data))
    return path


@pytest.mark.parametrize("mode", ["w", "w:gz"])
@pytest.mark.parametrize("name", ["model_config.yaml", "./model_config.yaml"])
def test_plain_and_compressed_archives_are_read(tmp_path: Path, mode: str, name: str) -> None:
    members = {"model_weights.ckpt": b"\0" * 3000, name: CONFIG}
    path = archive(tmp_path / "x.nemo", members, mode)
    assert is_nemo(path)
    assert read_nemo(path) == NemoFacts(target=TARGET, mel_bins=128)
    assert read_nemo(path).kind == "EncDecRNNTBPEModel"


def test_an_archive_without_configuration_says_nothing(tmp_path: Path) -> None:
    facts = read_nemo(archive(tmp_path / "x.nemo", {"other": b"1"}))
    assert facts == NemoFacts()
    assert facts.kind == "NeMo model"


@pytest.mark.parametrize("text", [b"[1, 2]", b"{broken", b"target: 3\npreprocessor: none"])
def test_a_strange_configuration_says_nothing(tmp_path: Path, text: bytes) -> None:
    assert read_nemo(archive(tmp_path / "x.nemo", {"model_config.yaml": text})) == NemoFacts()


@pytest.mark.parametrize("data", [b"", b"not a tar at all", b"\x1f\x8b\x08\x00broken"])
def test_what_is_no_tar_is_told(tmp_path: Path, data: bytes) -> None:
    path = tmp_path / "x.nemo"
    path.write_bytes(data)
    assert not read_nemo(path).whole


def test_a_cut_off_archive_is_told(tmp_path: Path) -> None:
    members = {"model_weights.ckpt": bytes(range(256)) * 400, "model_config.yaml": CONFIG}
    path = archive(tmp_path / "x.nemo", members, "w:gz")
    path.write_bytes(path.read_bytes()[:200])
    assert not read_nemo(path).whole


def header(name: bytes, size: int, kind: bytes) -> bytes:
    """A block that announces a member, of a kind that tarfile reads whole."""
    info = tarfile.TarInfo(name.decode())
    info.size, info.type = size, kind
    return info.tobuf(tarfile.GNU_FORMAT)


@pytest.mark.parametrize("kind", [tarfile.XHDTYPE, tarfile.GNUTYPE_LONGNAME, tarfile.XGLTYPE])
@pytest.mark.parametrize("compressed", [False, True])
def test_a_header_that_claims_a_gigabyte_is_not_believed(
    tmp_path: Path, kind: bytes, compressed: bool
) -> None:
    path = tmp_path / "x.nemo"
    data = header(b"h", 2**30, kind) + bytes(2**20)
    path.write_bytes(gzip.compress(data) if compressed else data)
    tracemalloc.start()
    try:
        assert not read_nemo(path).whole
        assert tracemalloc.get_traced_memory()[1] < 20 * 2**20
    finally:
        tracemalloc.stop()


def test_a_million_members_are_not_remembered(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(nemo_archive, "MAX_MEMBERS", 10)
    members = {f"m{number}": b"" for number in range(30)} | {"model_config.yaml": CONFIG}
    assert read_nemo(archive(tmp_path / "x.nemo", members)) == NemoFacts()


@pytest.mark.parametrize("mode", ["w:xz", "w:bz2"])
def test_what_would_have_to_be_read_whole_is_not_read(tmp_path: Path, mode: str) -> None:
    path = archive(tmp_path / "x.nemo", {"model_config.yaml": CONFIG}, mode)
    assert not read_nemo(path).whole


@pytest.mark.parametrize(
    "text",
    [
        b"[" * 100_000,
        b"a: " * 50_000,
        b"big: " + b"9" * 100_000 + b"\n",
        b"date: 2026-99-99\n",
        b"!!python/object/apply:os.system [x]\n",
    ],
    ids=["deep", "nested", "huge", "date", "tag"],
)
def test_no_configuration_is_a_fault_of_ours(tmp_path: Path, text: bytes) -> None:
    path = archive(tmp_path / "x.nemo", {"model_config.yaml": text})
    assert read_nemo(path) == NemoFacts()


def test_odd_values_beside_good_ones_do_no_harm(tmp_path: Path) -> None:
    text = b"when: 2026-99-99\nseed: " + b"9" * 10_000 + b"\n" + CONFIG
    path = archive(tmp_path / "x.nemo", {"model_config.yaml": text})
    assert read_nemo(path) == NemoFacts(target=TARGET, mel_bins=128)


def test_the_search_in_a_compressed_archive_has_an_end(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(nemo_archive, "MAX_SCANNED_BYTES", 1000)
    members = {"model_weights.ckpt": b"\0" * 3000, "model_config.yaml": CONFIG}
    assert read_nemo(archive(tmp_path / "x.nemo", members, "w:gz")) == NemoFacts()
    assert read_nemo(archive(tmp_path / "y.nemo", members)).target == TARGET


def test_a_folder_of_that_name_is_no_archive(tmp_path: Path) -> None:
    (tmp_path / "x.nemo").mkdir()
    assert not is_nemo(tmp_path / "x.nemo")
