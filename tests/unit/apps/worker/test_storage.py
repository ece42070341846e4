"""Files by address: on the disk, and in a real S3 server."""

from __future__ import annotations

import logging
from collections.abc import Iterator
from pathlib import Path

import boto3
import pytest
from moto.server import ThreadedMotoServer

from eclectus.apps.worker.storage import Location, Storage, parse
from eclectus.config.worker_options import StorageOptions
from eclectus.core.errors import OptionError, StorageError, StorageNotFoundError


@pytest.fixture(scope="module")
def s3_url() -> Iterator[str]:
    logging.getLogger("werkzeug").setLevel(logging.ERROR)
    server = ThreadedMotoServer(ip_address="127.0.0.1", port=0, verbose=False)
    server.start()
    _, port = server.get_host_and_port()
    yield f"http://127.0.0.1:{port}"
    server.stop()


@pytest.fixture
def s3(s3_url: str, monkeypatch: pytest.MonkeyPatch) -> Storage:
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "test")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "testtest")
    client = boto3.client("s3", endpoint_url=s3_url, region_name="us-east-1")
    client.create_bucket(Bucket="calls")
    return Storage(StorageOptions(endpoint_url=s3_url, region="us-east-1"))


def names(storage: Storage, address: str) -> list[str]:
    return [str(place) for place in storage.list(address)]


@pytest.mark.parametrize(
    ("address", "whole"),
    [
        ("s3://calls/2026/a.wav", "s3://calls/2026/a.wav"),
        ("s3://calls", "s3://calls/"),
        ("gs://calls/x/", "gs://calls/x/"),
        ("/data/in/", "/data/in/"),
        ("/data/in", "/data/in"),
        ("file:///data/a%20b.wav", "/data/a b.wav"),
        ("/data/x/../in/./", "/data/in/"),
        ("/", "/"),
    ],
)
def test_addresses(address: str, whole: str) -> None:
    assert str(parse(address)) == whole
    assert parse(whole) == parse(address)


def test_a_relative_path_is_made_whole(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.chdir(tmp_path)
    assert str(parse("in/")) == f"{tmp_path}/in/"


@pytest.mark.parametrize("address", ["ftp://host/x", "s3://", "s3:///x", "s3://a b/x"])
def test_other_addresses_are_refused(address: str) -> None:
    with pytest.raises(OptionError, match="possible are s3://"):
        parse(address)


@pytest.mark.parametrize("path", ["a//b", "/a", "a/../b", "./a", "a//"])
def test_paths_that_no_store_can_find_are_refused(path: str) -> None:
    with pytest.raises(OptionError, match="an empty part"):
        parse(f"s3://calls/{path}")


@pytest.mark.parametrize("url", ["minio:9000", "ftp://minio", "http://", "http://key:secret@minio"])
def test_a_server_that_is_none_is_refused_and_not_shown(url: str) -> None:
    with pytest.raises(OptionError, match=r"it is like http://host:9000") as refused:
        Storage(StorageOptions(endpoint_url=url))
    assert "secret" not in str(refused.value)


def test_what_lies_below(tmp_path: Path) -> None:
    assert parse("s3://b/x/").below("y/z") == Location("s3://b", "x/y/z")
    assert parse("s3://b").below("y") == Location("s3://b", "y")


def test_files_of_the_disk(tmp_path: Path) -> None:
    storage = Storage()
    place = parse(f"{tmp_path}/a b/ü.json")
    assert not storage.exists(place)
    storage.write(place, "hällo")
    assert storage.exists(place)
    with storage.fetch(place) as file:
        assert file.read().decode() == "hällo"
    assert names(storage, str(tmp_path)) == [str(place)]
    assert names(storage, str(place)) == [str(place)]
    with pytest.raises(StorageNotFoundError, match="there is nothing at"):
        names(storage, f"{tmp_path}/nothing")
    with pytest.raises(StorageNotFoundError, match="there is no"):
        storage.fetch(parse(f"{tmp_path}/nothing"))
    with pytest.raises(StorageError):
        storage.write(parse("/proc/nobody/writes/here"), "")


def test_objects_of_s3(s3: Storage) -> None:
    place = parse("s3://calls/2026/a b.json")
    assert not s3.exists(place)
    s3.write(place, "x" * 10_000_000)
    assert s3.exists(place)
    with s3.fetch(place) as file:
        assert file.read() == b"x" * 10_000_000
    for address in ("s3://calls", "s3://calls/2026", "s3://calls/2026/", str(place)):
        assert names(s3, address) == [str(place)]
    with pytest.raises(StorageNotFoundError):
        names(s3, "s3://calls/2025/")
    with pytest.raises(StorageNotFoundError):
        s3.fetch(parse("s3://calls/nothing"))
    with pytest.raises(StorageNotFoundError):
        s3.fetch(parse("s3://no-such-bucket/nothing"))
