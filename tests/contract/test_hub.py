"""The real hub client against a server on this machine that speaks the hub's wire."""

import hashlib
import shutil
import socket
import sys
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import huggingface_hub
import huggingface_hub.constants
import pytest

from eclectus.core.choices import Precision
from eclectus.core.errors import (
    IncompatibleModelError,
    ModelDownloadError,
    ModelFilesError,
    OptionError,
)
from eclectus.core.options import HubOptions
from eclectus.models.cache import PART_SUFFIX, RepoCache
from eclectus.models.library import ensure, local_models, remove
from eclectus.models.pull import pull
from eclectus.models.references import HubReference, parse
from eclectus.models.remote_files import RemoteFile
from eclectus.models.store import HubClient
from eclectus.models.verify import FileState, verify
from tests.support import graphs
from tests.support.hub_server import HubServer, running_hub

REPO = "acme/parakeet"
BOTH = (
    graphs.fused_files()
    | graphs.fused_files(suffix=".int8")
    | {
        "config.json": b'{"model_type": "nemo-conformer-tdt"}',
        "README.md": b"# A model",
        "nemo128.onnx": b"front end" * 1000,
    }
)
INT8_FILES = {
    "config.json",
    "vocab.txt",
    "encoder-model.int8.onnx",
    "decoder_joint-model.int8.onnx",
}


def resolve(name: str, options: HubOptions, precision: Precision = Precision.AUTO) -> Path:
    """Folder of a model by its name."""
    return ensure(parse(name), options, precision)


@pytest.fixture(autouse=True)
def no_other_host(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """Nothing but this machine can be reached, and no login of the machine's user is read."""
    real = socket.getaddrinfo

    def guarded(host: Any, *args: Any, **options: Any) -> Any:
        assert host in {"127.0.0.1", b"127.0.0.1", "localhost", b"localhost"}, (
            f"{host} must not be reached"
        )
        return real(host, *args, **options)

    monkeypatch.setattr(socket, "getaddrinfo", guarded)
    for name in ("HF_TOKEN", "HUGGING_FACE_HUB_TOKEN", "HTTP_PROXY", "http_proxy"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("NO_PROXY", "127.0.0.1,localhost")
    monkeypatch.setattr(huggingface_hub.constants, "HF_TOKEN_PATH", str(tmp_path / "no-token"))


@pytest.fixture
def hub() -> Iterator[HubServer]:
    with running_hub() as server:
        yield server


@pytest.fixture
def options(hub: HubServer, tmp_path: Path) -> HubOptions:
    return HubOptions(endpoint=hub.url, cache_dir=str(tmp_path / "models"))


def reference(name: str = REPO) -> HubReference:
    found = parse(name)
    assert isinstance(found, HubReference)
    return found


def names(folder: Path) -> set[str]:
    return {path.name for path in folder.iterdir()}


def cache(options: HubOptions) -> RepoCache:
    assert options.cache_dir is not None
    return RepoCache(Path(options.cache_dir), REPO)


def test_only_the_files_of_the_wanted_precision_are_fetched(
    hub: HubServer, options: HubOptions
) -> None:
    hub.add(REPO, BOTH)
    folder = pull(reference(), Precision.INT8, options)
    assert names(folder) == INT8_FILES
    for name in INT8_FILES:
        assert (folder / name).read_bytes() == BOTH[name]


def test_auto_fetches_full_precision(hub: HubServer, options: HubOptions) -> None:
    hub.add(REPO, BOTH)
    folder = pull(reference(), Precision.AUTO, options)
    assert names(folder) == {"config.json", *graphs.fused_files()}


def test_the_pull_is_recorded_with_commit_and_checksums(
    hub: HubServer, options: HubOptions
) -> None:
    commit = hub.add(REPO, BOTH)
    folder = pull(reference(), Precision.INT8, options)
    lock = cache(options).lock()
    assert lock.commit(None) == commit == folder.name
    assert set(lock.files(commit)) == INT8_FILES
    assert {check.state for check in verify(reference(), options)} == {FileState.GOOD}


def test_a_pulled_model_is_found_without_the_network(hub: HubServer, options: HubOptions) -> None:
    hub.add(REPO, BOTH)
    folder = pull(reference(), Precision.INT8, options)
    hub.requests.clear()
    hub.faults.status = 503
    assert resolve(REPO, options, Precision.INT8) == folder
    assert resolve(REPO, options) == folder
    assert resolve(REPO, replace(options, offline=True)) == folder
    assert hub.requests == []


def test_a_second_precision_comes_beside_the_first(hub: HubServer, options: HubOptions) -> None:
    hub.add(REPO, BOTH)
    first = ensure(reference(), options, Precision.INT8)
    second = ensure(reference(), options, Precision.FP32)
    assert first == second
    assert hub.fetched("vocab.txt") == [None]
    assert set(cache(options).lock().files(first.name)) == set(BOTH) - {"README.md", "nemo128.onnx"}


def test_progress_is_told_by_bytes(
    hub: HubServer, options: HubOptions, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(huggingface_hub.constants, "DOWNLOAD_CHUNK_SIZE", 10_000)
    weights = bytes(range(256)) * 400
    files = {"model.onnx": graphs.ctc(outputs=5, external="model.onnx.data")}
    hub.add(REPO, {**files, "model.onnx.data": weights, "vocab.txt": graphs.vocabulary()})
    told: list[tuple[str, int, int]] = []
    pull(reference(), Precision.AUTO, options, on_progress=lambda *facts: told.append(facts))
    done = [part for name, part, total in told if name == "model.onnx.data" and total == 102_400]
    assert len(done) > 5
    assert done == sorted(done)
    assert done[-1] == 102_400


def test_weights_beside_a_graph_are_fetched_by_their_name(
    hub: HubServer, options: HubOptions
) -> None:
    files = {"model.onnx": graphs.ctc(outputs=5, external="model.onnx.data")}
    hub.add(REPO, {**files, "model.onnx.data": bytes(256), "vocab.txt": graphs.vocabulary()})
    assert "model.onnx.data" in names(pull(reference(), Precision.AUTO, options))


def test_weights_beside_a_graph_are_fetched_whatever_their_name(
    hub: HubServer, options: HubOptions
) -> None:
    files = {"model.onnx": graphs.ctc(outputs=5, external="layers.bin")}
    hub.add(REPO, {**files, "layers.bin": bytes(256), "vocab.txt": graphs.vocabulary()})
    assert "layers.bin" in names(pull(reference(), Precision.AUTO, options))


def test_a_transfer_that_breaks_off_goes_on_where_it_stopped(
    hub: HubServer, options: HubOptions, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(huggingface_hub.constants, "DOWNLOAD_CHUNK_SIZE", 10_000)
    weights = bytes(range(256)) * 400
    files = {"model.onnx": graphs.ctc(outputs=5, external="model.onnx.data")}
    hub.add(REPO, {**files, "model.onnx.data": weights, "vocab.txt": graphs.vocabulary()})
    hub.faults.cut_after["model.onnx.data"] = 45_000
    folder = pull(reference(), Precision.AUTO, options)
    assert (folder / "model.onnx.data").read_bytes() == weights
    assert hub.fetched("model.onnx.data") == [None, "bytes=40000-"]


def test_a_pull_that_failed_goes_on_at_the_next_one(
    hub: HubServer, options: HubOptions, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(huggingface_hub.constants, "DOWNLOAD_CHUNK_SIZE", 10_000)
    monkeypatch.setattr("time.sleep", lambda seconds: None)
    weights = bytes(range(256)) * 400
    files = {"model.onnx": graphs.ctc(outputs=5, external="model.onnx.data")}
    hub.add(REPO, {**files, "model.onnx.data": weights, "vocab.txt": graphs.vocabulary()})
    hub.faults.cut_after["model.onnx.data"] = 45_000
    hub.faults.stays_cut = True
    with pytest.raises(ModelDownloadError, match="pull again to go on"):
        pull(reference(), Precision.AUTO, options)
    assert cache(options).pulled(None, Precision.AUTO) is None
    before = len(hub.fetched("model.onnx.data"))
    hub.faults.cut_after.clear()
    folder = pull(reference(), Precision.AUTO, options)
    assert (folder / "model.onnx.data").read_bytes() == weights
    assert hub.fetched("model.onnx.data")[before:] == ["bytes=40000-"]
    assert not list(cache(options).folder.glob("blobs/*part*"))


def test_a_partial_file_with_wrong_bytes_is_fetched_from_the_start(
    hub: HubServer, options: HubOptions
) -> None:
    weights = bytes(range(256)) * 400
    files = {"model.onnx": graphs.ctc(outputs=5, external="model.onnx.data")}
    hub.add(REPO, {**files, "model.onnx.data": weights, "vocab.txt": graphs.vocabulary()})
    blob = cache(options).blob(hashlib.sha256(weights).hexdigest())
    part = blob.with_name(blob.name + PART_SUFFIX)
    part.parent.mkdir(parents=True)
    part.write_bytes(b"z" * 1000)
    folder = pull(reference(), Precision.AUTO, options)
    assert (folder / "model.onnx.data").read_bytes() == weights
    assert hub.fetched("model.onnx.data") == ["bytes=1000-", None]


def test_wrong_bytes_are_deleted_and_told(hub: HubServer, options: HubOptions) -> None:
    hub.add(REPO, BOTH)
    name = "encoder-model.int8.onnx"
    hub.faults.swapped[name] = bytes(len(BOTH[name]))
    with pytest.raises(ModelDownloadError, match="checksum differs"):
        pull(reference(), Precision.INT8, options)
    assert cache(options).pulled(None, Precision.AUTO) is None
    hub.faults.swapped.clear()
    folder = pull(reference(), Precision.INT8, options)
    assert (folder / name).read_bytes() == BOTH[name]


def test_wrong_bytes_of_a_large_file_are_told(hub: HubServer, options: HubOptions) -> None:
    weights = bytes(range(256)) * 400
    files = {"model.onnx": graphs.ctc(outputs=5, external="model.onnx.data")}
    hub.add(REPO, {**files, "model.onnx.data": weights, "vocab.txt": graphs.vocabulary()})
    hub.faults.swapped["model.onnx.data"] = weights[::-1]
    with pytest.raises(ModelDownloadError, match=r"model\.onnx\.data.*checksum differs"):
        pull(reference(), Precision.AUTO, options)


def test_an_unpinned_model_stays_at_its_commit_until_an_update(
    hub: HubServer, options: HubOptions
) -> None:
    old = hub.add(REPO, BOTH)
    pull(reference(), Precision.INT8, options)
    new = hub.add(REPO, BOTH | {"vocab.txt": graphs.vocabulary(4, "<blank>")})
    assert ensure(reference(), options, Precision.FP32).name == old
    assert pull(reference(), Precision.INT8, options).name == old
    assert pull(reference(), Precision.INT8, options, update=True).name == new
    assert ensure(reference(), options, Precision.INT8).name == new


def test_a_revision_can_be_asked_for(hub: HubServer, options: HubOptions) -> None:
    old = hub.add(REPO, BOTH)
    hub.add(REPO, {"README.md": b"moved"})
    hub.add(REPO, BOTH | {"x": b"1"}, branch="v1")
    assert resolve(f"{REPO}@{old}", options).name == old
    assert resolve(f"{REPO}@v1", options).name == hub.repos[REPO].branches["v1"]


def test_a_catalogue_name_leads_to_its_pinned_commit(hub: HubServer, options: HubOptions) -> None:
    pinned = "8f23f0c03c8761650bdb5b40aaf3e40d2c15f1ce"
    repo = "istupakov/parakeet-tdt-0.6b-v3-onnx"
    hub.add(repo, {"README.md": b"a later one"})
    hub.repos[repo].commits[pinned] = dict(BOTH)
    folder = resolve("parakeet-tdt-0.6b-v3", options, Precision.INT8)
    assert folder.name == pinned
    assert names(folder) == INT8_FILES
    (model,) = local_models(options)
    assert (model.name, model.precisions) == ("parakeet-tdt-0.6b-v3", (Precision.INT8,))


def test_a_precision_from_another_repository_is_found(hub: HubServer, options: HubOptions) -> None:
    hub.add("grikdotnet/parakeet-tdt-0.6b-fp16", graphs.fused_files(suffix=".fp16"))
    folder = resolve("parakeet-tdt-0.6b-v3", options, Precision.FP16)
    assert "encoder-model.fp16.onnx" in names(folder)


def test_a_precision_that_nobody_publishes_is_told(options: HubOptions) -> None:
    with pytest.raises(OptionError, match="not published in bf16; there is fp32, int8"):
        resolve("parakeet-tdt-0.6b-v2", options, Precision.BF16)


def test_a_precision_that_the_repository_lacks_is_told(hub: HubServer, options: HubOptions) -> None:
    hub.add(REPO, graphs.fused_files())
    with pytest.raises(OptionError, match="has no int8 files; it has fp32"):
        pull(reference(), Precision.INT8, options)


def test_the_card_chooses_between_two_models_of_one_repository(
    hub: HubServer, options: HubOptions
) -> None:
    ctc = {"model.onnx": graphs.ctc(outputs=5)}
    hub.add(REPO, graphs.fused_files() | ctc)
    with pytest.raises(ModelFilesError, match="more than one model"):
        pull(reference(), Precision.AUTO, options)
    card = {"config.json": b'{"model_type": "nemo-conformer-ctc"}'}
    hub.add(REPO, graphs.fused_files() | ctc | card)
    folder = pull(reference(), Precision.AUTO, options)
    assert names(folder) == {"config.json", "model.onnx", "vocab.txt"}


def test_a_repository_with_a_nemo_archive_points_at_conversion(
    hub: HubServer, options: HubOptions
) -> None:
    hub.add(REPO, {"parakeet.nemo": bytes(100), "README.md": b"x"})
    with pytest.raises(IncompatibleModelError, match="models convert"):
        pull(reference(), Precision.AUTO, options)


def test_a_missing_repository_is_told(options: HubOptions) -> None:
    with pytest.raises(ModelDownloadError, match="has no repository acme/none"):
        resolve("acme/none", options)


def test_a_missing_revision_is_told(hub: HubServer, options: HubOptions) -> None:
    hub.add(REPO, BOTH)
    with pytest.raises(ModelDownloadError, match="has no revision v9"):
        resolve(f"{REPO}@v9", options)


def test_a_gated_repository_asks_for_its_terms(hub: HubServer, options: HubOptions) -> None:
    hub.add(REPO, BOTH)
    hub.repos[REPO].gated = True
    with pytest.raises(ModelDownloadError, match="accept its terms"):
        resolve(REPO, options)


def test_a_private_repository_opens_with_the_token(hub: HubServer, options: HubOptions) -> None:
    hub.add(REPO, BOTH)
    weights = {"encoder-model.int8.onnx.data": bytes(10_000)}
    encoder = {"encoder-model.int8.onnx": graphs.encoder(external=next(iter(weights)))}
    hub.add(REPO, BOTH | encoder | weights)
    hub.repos[REPO].token = "secret"
    with pytest.raises(ModelDownloadError, match="needs an access token"):
        resolve(REPO, options)
    folder = resolve(REPO, replace(options, token="secret"), Precision.INT8)
    assert names(folder) == INT8_FILES | set(weights)


def test_a_hub_out_of_order_is_told(
    hub: HubServer, options: HubOptions, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("time.sleep", lambda seconds: None)
    hub.add(REPO, BOTH)
    hub.faults.status = 503
    with pytest.raises(ModelDownloadError, match="HTTP status 503"):
        resolve(REPO, options)


def test_a_hub_that_is_not_there_is_told(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("time.sleep", lambda seconds: None)
    options = HubOptions(endpoint="http://127.0.0.1:9", cache_dir=str(tmp_path))
    with pytest.raises(ModelDownloadError, match="could not be fetched from http://127"):
        resolve(REPO, options)


def test_offline_mode_never_asks(hub: HubServer, options: HubOptions) -> None:
    hub.add(REPO, BOTH)
    with pytest.raises(ModelDownloadError, match="offline mode forbids"):
        resolve(REPO, replace(options, offline=True))
    assert hub.requests == []


def test_offline_mode_takes_what_another_tool_fetched(hub: HubServer, options: HubOptions) -> None:
    hub.add(REPO, BOTH)
    huggingface_hub.snapshot_download(REPO, endpoint=hub.url, cache_dir=options.cache_dir)
    hub.requests.clear()
    folder = resolve(REPO, replace(options, offline=True), Precision.INT8)
    assert names(folder) >= INT8_FILES
    assert hub.requests == []


def test_what_another_tool_fetched_is_checked_not_fetched_again(
    hub: HubServer, options: HubOptions
) -> None:
    hub.add(REPO, BOTH)
    huggingface_hub.snapshot_download(REPO, endpoint=hub.url, cache_dir=options.cache_dir)
    hub.requests.clear()
    resolve(REPO, options, Precision.INT8)
    assert hub.fetched("encoder-model.int8.onnx") == []
    assert set(cache(options).lock().files(hub.repos[REPO].branches["main"])) == INT8_FILES


def test_too_little_room_is_told_before_the_download(
    hub: HubServer, options: HubOptions, monkeypatch: pytest.MonkeyPatch
) -> None:
    hub.add(REPO, BOTH)
    usage = shutil.disk_usage("/")
    monkeypatch.setattr(shutil, "disk_usage", lambda place: usage._replace(free=50_000))
    with pytest.raises(ModelDownloadError, match=r"50\.0 kB are free"):
        resolve(REPO, options)
    assert hub.fetched("encoder-model.onnx") == []


def test_verification_finds_every_kind_of_damage(hub: HubServer, options: HubOptions) -> None:
    hub.add(REPO, BOTH)
    folder = pull(reference(), Precision.INT8, options)
    (folder / "vocab.txt").unlink()
    encoder = (folder / "encoder-model.int8.onnx").resolve()
    encoder.write_bytes(encoder.read_bytes()[:-1])
    joint = (folder / "decoder_joint-model.int8.onnx").resolve()
    joint.write_bytes(b"\xff" + joint.read_bytes()[1:])
    states = {check.path.name: check.state for check in verify(reference(), options)}
    assert states == {
        "config.json": FileState.GOOD,
        "vocab.txt": FileState.MISSING,
        "encoder-model.int8.onnx": FileState.WRONG_SIZE,
        "decoder_joint-model.int8.onnx": FileState.WRONG_CHECKSUM,
    }


def test_pulling_again_repairs_damage(hub: HubServer, options: HubOptions) -> None:
    hub.add(REPO, BOTH)
    folder = pull(reference(), Precision.INT8, options)
    joint = (folder / "decoder_joint-model.int8.onnx").resolve()
    joint.write_bytes(b"\xff" + joint.read_bytes()[1:])
    (folder / "vocab.txt").unlink()
    pull(reference(), Precision.INT8, options)
    assert {check.state for check in verify(reference(), options)} == {FileState.GOOD}


def test_damage_that_the_hub_cannot_repair_is_told(hub: HubServer, options: HubOptions) -> None:
    hub.add(REPO, BOTH)
    folder = pull(reference(), Precision.INT8, options)
    name = "decoder_joint-model.int8.onnx"
    (folder / name).resolve().write_bytes(b"x")
    hub.faults.swapped[name] = bytes(len(BOTH[name]))
    with pytest.raises(ModelDownloadError, match="checksum differs"):
        pull(reference(), Precision.INT8, options)
    assert name not in names(folder)


def test_verification_of_what_was_never_pulled_is_told(options: HubOptions) -> None:
    with pytest.raises(ModelFilesError, match="was not pulled"):
        verify(reference(), options)


def test_a_removed_model_is_gone(hub: HubServer, options: HubOptions) -> None:
    hub.add(REPO, BOTH)
    pull(reference(), Precision.INT8, options)
    assert [model.repo for model in local_models(options)] == [REPO]
    assert remove(reference(), options) > sum(len(BOTH[name]) for name in INT8_FILES)
    assert local_models(options) == ()
    with pytest.raises(ModelFilesError, match="is not on this machine"):
        remove(reference(), options)


def test_without_the_client_a_name_asks_for_the_extra(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setitem(sys.modules, "huggingface_hub", None)
    with pytest.raises(ModelDownloadError, match=r"eclectus\[hub\]"):
        resolve(REPO, HubOptions())
    with pytest.raises(ModelDownloadError, match=r"eclectus\[hub\]"):
        resolve(REPO, HubOptions(cache_dir=str(tmp_path)))


def test_without_a_folder_the_clients_own_is_taken() -> None:
    assert HubClient(HubOptions()).root == Path(huggingface_hub.constants.HF_HUB_CACHE)


def test_a_hub_that_lists_no_checksums_is_believed(tmp_path: Path) -> None:
    path = tmp_path / "file"
    path.write_bytes(b"abc")
    assert RemoteFile().matches(path)
    assert RemoteFile(size=3).matches(path)
    assert not RemoteFile(size=4).matches(path)
