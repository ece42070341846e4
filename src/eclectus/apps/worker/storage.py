"""Files of object stores and of this machine's disk, by address.

`s3://bucket/key` (and `gs://`, `az://`), `file:///path`, or a path. Keys of the stores come from
their vendors' environment variables.
"""

from __future__ import annotations

import os
import re
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import timedelta
from typing import TYPE_CHECKING, Any, BinaryIO
from urllib.parse import unquote, urlsplit

import obstore
from obstore.exceptions import BaseError, NotFoundError
from obstore.store import LocalStore, S3Store, from_url

from eclectus.config.worker_options import StorageOptions
from eclectus.core.errors import OptionError, StorageError, StorageNotFoundError

if TYPE_CHECKING:
    from obstore.store import ObjectStore, RetryConfig

_IN_MEMORY = 8 * 2**20
_RETRIES: RetryConfig = {"max_retries": 4, "retry_timeout": timedelta(seconds=30)}
_REMOTE = ("s3", "gs", "az")
_BUCKET = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]*")


@dataclass(frozen=True, slots=True)
class Location:
    """Where something lies.

    Attributes:
        root: What precedes the path: `s3://bucket`, or nothing for this machine's disk.
        path: Below the root, without a slash at its start.
    """

    root: str
    path: str

    def __str__(self) -> str:
        return f"{self.root}/{self.path}"

    def below(self, path: str) -> Location:
        """Return what lies at a relative path below this one."""
        return Location(self.root, f"{self.path.rstrip('/')}/{path}".lstrip("/"))


def parse(address: str) -> Location:
    """Read an address.

    Raises:
        OptionError: It is of no store that is known here, or no path in one.
    """
    scheme, separator, rest = address.partition("://")
    if not separator:
        return _on_disk(address)
    if scheme == "file":
        return _on_disk(unquote(urlsplit(address).path))
    bucket, _, path = rest.partition("/")
    if scheme not in _REMOTE or not _BUCKET.fullmatch(bucket):
        raise OptionError(
            f"{address!r} is no address of a store; possible are s3://bucket/key, gs://…, az://…, "
            "file:///path, and paths",
            address=address,
        )
    if path and {"", ".", ".."} & set(path.removesuffix("/").split("/")):
        raise OptionError(
            f"{address!r} has an empty part, . or .. in its path, which stores can't find",
            address=address,
        )
    return Location(f"{scheme}://{bucket}", path)


def _on_disk(path: str) -> Location:
    whole = os.path.abspath(path).lstrip("/")  # noqa: PTH100 - pathlib's leaves `..`
    return Location("", f"{whole}/" if path.endswith("/") and whole else whole)


class Storage:
    """Reads and writes; for any thread.

    Every method raises `StorageError` if the store does not do what it should.
    """

    def __init__(self, options: StorageOptions | None = None) -> None:
        """Prepare; nothing is sent yet.

        Args:
            options: How stores are reached.

        Raises:
            OptionError: The server's address is none.
        """
        self._options = options or StorageOptions()
        _check_endpoint(self._options.endpoint_url)
        self._stores: dict[str, ObjectStore] = {}

    def list(self, address: str) -> Iterator[Location]:
        """Yield what lies at an address: the object, or all below a folder, in order of names.

        Raises:
            OptionError: See `parse`.
            StorageNotFoundError: There is nothing.
        """
        place = parse(address)
        with self._told(place):
            if not address.endswith("/") and self._is_object(place):
                yield place
                return
            found = sorted(
                entry["path"]
                for entries in obstore.list(self._store(place), place.path.rstrip("/") or None)
                for entry in entries
            )
        if not found:
            raise StorageNotFoundError(f"there is nothing at {place}", address=str(place))
        yield from (Location(place.root, path) for path in found)

    def exists(self, place: Location) -> bool:
        """Return whether there is an object."""
        with self._told(place):
            return self._is_object(place)

    def fetch(self, place: Location) -> BinaryIO:
        """Copy an object to this machine, large ones to its disk.

        Returns:
            A file at its start, to be closed by the caller.

        Raises:
            StorageNotFoundError: There is no such object.
        """
        file = tempfile.SpooledTemporaryFile(_IN_MEMORY)  # noqa: SIM115 - the caller's
        try:
            with self._told(place):
                for piece in obstore.get(self._store(place), place.path).stream():
                    file.write(memoryview(piece))
        except BaseException:
            file.close()
            raise
        file.seek(0)
        return file  # type: ignore[return-value]  # it is one, though not by name

    def write(self, place: Location, text: str) -> None:
        """Write an object at once or not at all."""
        with self._told(place):
            obstore.put(self._store(place), place.path, text.encode())

    def _is_object(self, place: Location) -> bool:
        if not place.path:
            return False
        try:
            obstore.head(self._store(place), place.path)
        except (NotFoundError, FileNotFoundError):
            return False
        return True

    def _store(self, place: Location) -> ObjectStore:
        # Two threads may both make one; they are alike.
        if place.root not in self._stores:
            self._stores[place.root] = self._opened(place.root)
        return self._stores[place.root]

    def _opened(self, root: str) -> ObjectStore:
        if not root:
            return LocalStore("/")
        scheme, _, bucket = root.partition("://")
        if scheme != "s3":
            return from_url(root, retry_config=_RETRIES)
        told = self._options
        chosen = {"endpoint": told.endpoint_url, "region": told.region}
        given: dict[str, Any] = {name: value for name, value in chosen.items() if value}
        if (told.endpoint_url or "").startswith("http:"):
            given["client_options"] = {"allow_http": True}
        return S3Store(bucket, retry_config=_RETRIES, **given)

    @contextmanager
    def _told(self, place: Location) -> Iterator[None]:
        try:
            yield
        except (NotFoundError, FileNotFoundError) as error:
            raise StorageNotFoundError(f"there is no {place}", address=str(place)) from error
        except ValueError as error:  # no path in this store
            raise OptionError(f"{place}: {_first_line(error)}", address=str(place)) from error
        except (BaseError, OSError) as error:
            raise StorageError(f"{place}: {_first_line(error)}", address=str(place)) from error


def _first_line(error: Exception) -> str:
    return str(error).partition("\n")[0]


def _check_endpoint(url: str | None) -> None:
    parts = urlsplit(url or "http://none")
    if parts.scheme not in ("http", "https") or not parts.hostname or parts.username is not None:
        raise OptionError(
            "storage.endpoint_url is no address of an S3 server: it is like http://host:9000; keys "
            "come from AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY"
        )
