"""A mirror that is not to be trusted: what it may write, and what it may learn."""

from __future__ import annotations

import json
import socket
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import huggingface_hub.constants
import pytest

from eclectus.core.choices import Precision
from eclectus.core.errors import ModelDownloadError, ModelError, ModelFilesError
from eclectus.core.options import HubOptions
from eclectus.core.regular_files import is_file_name
from eclectus.models.cache import RepoCache
from eclectus.models.pull import pull
from eclectus.models.references import HubReference, parse
from eclectus.models.remote_files import Listing
from eclectus.models.remote_names import is_etag, is_revision
from eclectus.models.store import HubClient
from tests.support import graphs
from tests.support.hub_server import HubServer, running_hub

REPO = "acme/parakeet"
FILES = graphs.fused_files() | {"config.json": b'{"model_type": "nemo-conformer-tdt"}'}
VICTIM = b"what was there before"


@pytest.fixture
def hub() -> Iterator[HubServer]:
    with running_hub() as server:
        server.add(REPO, FILES)
        yield server


@pytest.fixture
def options(hub: HubServer, tmp_path: Path) -> HubOptions:
    return HubOptions(endpoint=hub.url, cache_dir=str(tmp_path / "models"))


@pytest.fixture(autouse=True)
def outside(tmp_path: Path) -> Iterator[Path]:
    """A folder beside the cache, which must stay as it is."""
    folder = tmp_path / "victim"
    folder.mkdir()
    (folder / "x").write_bytes(VICTIM)
    yield folder
    assert [path.name for path in folder.iterdir()] == ["x"]
    assert (folder / "x").read_bytes() == VICTIM
    allowed = {"models", "victim", "no-token"}
    assert {path.name for path in tmp_path.iterdir()} <= allowed


def reference() -> HubReference:
    found = parse(REPO)
    assert isinstance(found, HubReference)
    return found


WAYS_OUT = [
    "../../../victim",
    "../../../victim/x",
    "..",
    "/etc/passwd",
    "a/../../b",
    "..\\..\\victim",
    "C:\\victim",
    "x\0y",
    "",
    " ",
]


@pytest.mark.parametrize("commit", ["../../../victim", "main", "..", "0" * 39, "g" * 40, "/tmp/x"])
def test_a_commit_is_a_hash(hub: HubServer, options: HubOptions, commit: str) -> None:
    hub.faults.commit = commit
    with pytest.raises(ModelDownloadError, match="names the commit"):
        pull(reference(), Precision.AUTO, options)
    assert not Path(options.cache_dir or "").exists()


@pytest.mark.parametrize("etag", ["../../../victim/x", "/tmp/y", "a/b", "..", "a" * 200])
def test_an_etag_is_no_path(hub: HubServer, options: HubOptions, etag: str) -> None:
    hub.faults.etag = etag
    with pytest.raises(ModelDownloadError, match="names the ETag"):
        pull(reference(), Precision.AUTO, options)


@pytest.mark.parametrize("name", [*WAYS_OUT, "../x", "a//b", "./a", "nul", "aux.onnx", "a.", "a:b"])
def test_a_name_that_leads_elsewhere_is_not_listed(
    hub: HubServer, options: HubOptions, name: str
) -> None:
    hub.faults.extra_names = (name,)
    assert set(HubClient(options).listing(REPO, None).files) == set(FILES)
    assert not is_file_name(name)


@pytest.mark.parametrize("name", ["../../../victim/x", "/x"])
def test_a_name_is_checked_where_it_becomes_a_path(options: HubOptions, name: str) -> None:
    listing = HubClient(options).listing(REPO, None)
    hostile = Listing(REPO, listing.commit, {name: listing.files["vocab.txt"]})
    with pytest.raises(ValueError, match="is no file name"):
        HubClient(options).download(hostile, name, None)


def test_ordinary_names_are_names() -> None:
    for name in ("vocab.txt", "onnx/encoder-model.int8.onnx", "a b.md", ".gitattributes", "данные"):
        assert is_file_name(name)
    assert is_etag("0" * 64)
    assert is_revision("refs/pr/1")
    assert not any(map(is_revision, ["../x", "a/../b", "/a", "a..b", "", "-x"]))


def test_a_damaged_file_is_deleted_but_not_what_a_link_leads_to(
    hub: HubServer, options: HubOptions, outside: Path
) -> None:
    folder = pull(reference(), Precision.AUTO, options)
    vocabulary = folder / "vocab.txt"
    vocabulary.unlink()
    vocabulary.symlink_to(outside / "x")
    assert pull(reference(), Precision.AUTO, options) == folder
    assert vocabulary.read_bytes() == FILES["vocab.txt"]


@pytest.mark.parametrize("place", ["revisions", "commits", "files"])
def test_a_record_that_leads_out_of_the_cache_is_broken(
    options: HubOptions, place: str, tmp_path: Path
) -> None:
    cache = RepoCache(Path(options.cache_dir or ""), REPO)
    good, out = "0" * 40, "../../../victim"
    record: dict[str, Any] = {"format": 1, "repo": REPO, "revisions": {"main": good}, "commits": {}}
    if place == "revisions":
        record["revisions"]["main"] = out
    elif place == "commits":
        record["commits"][out] = {}
    else:
        record["commits"][good] = {out: {"size": 1, "sha256": "0"}}
    cache.lock_path.parent.mkdir(parents=True)
    cache.lock_path.write_text(json.dumps(record))
    with pytest.raises(ModelFilesError, match="is broken"):
        cache.lock()


def test_a_pointer_that_leads_out_of_the_cache_is_none(options: HubOptions) -> None:
    cache = RepoCache(Path(options.cache_dir or ""), REPO)
    ref = cache.folder / "refs" / "main"
    ref.parent.mkdir(parents=True)
    ref.write_text("../../../victim")
    assert cache.commit(None) is None
    assert cache.commit("../../snapshots") is None


# What it may learn


def tokens(hub: HubServer) -> set[str | None]:
    return {token for _, token in hub.tokens}


def test_the_login_of_the_machine_goes_to_no_mirror(
    hub: HubServer, options: HubOptions, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setenv("HF_TOKEN", "hf_mine")
    (tmp_path / "no-token").write_text("hf_of_the_login")
    monkeypatch.setattr(huggingface_hub.constants, "HF_TOKEN_PATH", str(tmp_path / "no-token"))
    pull(reference(), Precision.AUTO, options)
    assert tokens(hub) == {None}


def test_a_token_that_was_named_goes_to_its_hub_and_no_further(
    hub: HubServer, options: HubOptions
) -> None:
    weights = {"model.onnx": graphs.ctc(outputs=5, external="model.onnx.data")}
    weights["model.onnx.data"] = bytes(range(256)) * 400
    hub.add(REPO, {**weights, "vocab.txt": graphs.vocabulary()})
    hub.repos[REPO].token = "hf_given"
    named = HubOptions(endpoint=options.endpoint, cache_dir=options.cache_dir, token="hf_given")
    pull(reference(), Precision.AUTO, named)
    assert tokens(hub) == {"hf_given", None}
    assert {path.split("/")[1] for path, token in hub.tokens if token is None} == {"store"}


def test_a_token_is_never_sent_unencrypted(
    options: HubOptions, monkeypatch: pytest.MonkeyPatch
) -> None:
    def unreachable(*_: object, **__: object) -> object:
        raise AssertionError("nothing may be asked")

    monkeypatch.setattr(socket, "getaddrinfo", unreachable)
    for endpoint in ("http://mirror.example", "http://10.0.0.1:8080", "http://127.0.0.1.example"):
        named = HubOptions(endpoint=endpoint, cache_dir=options.cache_dir, token="hf_given")
        with pytest.raises(ModelError, match="everybody on the way could read"):
            pull(reference(), Precision.AUTO, named)


def test_the_login_goes_to_its_own_hub_alone() -> None:
    assert HubClient(HubOptions(endpoint="https://huggingface.co"))._token() is None
    for endpoint in (
        "http://huggingface.co",
        "https://huggingface.co.example",
        "https://nothuggingface.co",
        "https://mirror.example/huggingface.co",
    ):
        assert HubClient(HubOptions(endpoint=endpoint))._token() is False
