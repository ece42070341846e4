"""The hub's client: the only module that knows huggingface_hub, and it loads it when first asked.

What the client does well is left to it: the wire, retries, the lock against a second process, the
cache that other tools share. What it leaves open is added around it: partial downloads that a later
run resumes, checksums against the hub's own, progress without a bar, errors that say what to do.
The environment is never read here; what the client reads for itself (`HF_HOME`, `HF_ENDPOINT`,
`HF_TOKEN`, proxies) holds where an option is None.
"""

from __future__ import annotations

import io
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from importlib import import_module
from pathlib import Path
from types import ModuleType
from typing import Any, Protocol

from eclectus.core.errors import ModelDownloadError
from eclectus.core.options import HubOptions
from eclectus.core.regular_files import below, is_file_name
from eclectus.models.cache import PART_SUFFIX, RepoCache
from eclectus.models.checksums import human_size
from eclectus.models.hub_token import is_home, is_private, may_have_token
from eclectus.models.remote_files import Listing, remote_file
from eclectus.models.remote_names import is_commit, is_etag


class DownloadProgress(Protocol):
    """Receives the progress of a download."""

    def __call__(self, file: str, done: int, total: int) -> None:
        """Take note.

        Args:
            file: Name of the file.
            done: Bytes that are here, those of an earlier attempt included.
            total: Bytes in all, 0 if the hub does not say.
        """
        ...


@dataclass(frozen=True, slots=True)
class _Source:
    """Where the bytes of a file are."""

    url: str
    etag: str
    size: int | None
    headers: Mapping[str, str]


class _WrongBytesError(Exception):
    """A file arrived with other bytes than the hub lists."""

    def __init__(self, name: str) -> None:
        super().__init__(name)
        self.name = name


class HubClient:
    """Speaks to one hub."""

    def __init__(self, options: HubOptions) -> None:
        self._options = options

    @property
    def root(self) -> Path:
        """Folder of the cache.

        Raises:
            ModelDownloadError: No folder was given and the hub's client, whose default would be
                taken, is not installed.
        """
        if self._options.cache_dir is not None:
            return Path(self._options.cache_dir).expanduser()
        return Path(_library().constants.HF_HUB_CACHE)

    def listing(self, repo: str, revision: str | None) -> Listing:
        """List a repository's files with sizes and checksums.

        Raises:
            ModelDownloadError: Offline, no connection, no such repository or revision, no access.
        """
        self._refuse_offline(repo)
        hub = _library()
        with self._translated(repo, revision):
            api = hub.HfApi(endpoint=self._options.endpoint, token=self._token())
            info = api.model_info(repo, revision=revision, files_metadata=True)
        commit = str(info.sha)
        if not is_commit(commit):
            raise self._odd(repo, f"the commit {commit[:80]!r}")
        # A name that leads elsewhere is none that could be fetched.
        files = {
            item.rfilename: remote_file(item)
            for item in info.siblings or ()
            if is_file_name(item.rfilename)
        }
        return Listing(repo, commit, files)

    def download(self, listing: Listing, name: str, on_progress: DownloadProgress | None) -> Path:
        """Fetch one file into the cache, going on where an earlier attempt stopped.

        A file that is there is checked; a damaged one is fetched anew.

        Returns:
            Its path in the snapshot.

        Raises:
            ModelDownloadError: It did not arrive, or arrived with other bytes than the hub lists;
                those are deleted and never enter the cache.
        """
        cache = RepoCache(self.root, listing.repo)
        path = below(cache.snapshot(listing.commit), name)
        remote = listing.files[name]
        if path.exists() and not remote.matches(path):
            cache.drop(path)
        if not path.exists():
            with self._translated(listing.repo, listing.commit):
                blob = self._fetch_blob(listing, name, on_progress)
            cache.put(listing.commit, name, blob)
        if on_progress is not None:
            on_progress(name, path.stat().st_size, remote.size or path.stat().st_size)
        return path

    def _fetch_blob(
        self, listing: Listing, name: str, on_progress: DownloadProgress | None
    ) -> Path:
        """Fetch a file's bytes to where the client keeps them, and return the path.

        The client resumes within one call only; a partial file of our own outlives the process.
        """
        source = self._source(listing, name)
        blob = RepoCache(self.root, listing.repo).blob(source.etag)
        blob.parent.mkdir(parents=True, exist_ok=True)
        part = blob.with_name(blob.name + PART_SUFFIX)
        with _library().utils.WeakFileLock(f"{part}.lock"):
            if blob.exists() and listing.files[name].matches(blob):
                return blob
            blob.unlink(missing_ok=True)
            resumed = part.exists()
            _transfer(source, part, name, on_progress)
            good = listing.files[name].matches(part)
            if not good:
                part.unlink()
            if not good and resumed:
                # What an earlier attempt left may have been wrong: once more, from the start.
                _transfer(source, part, name, on_progress)
                good = listing.files[name].matches(part)
            if not good:
                part.unlink(missing_ok=True)
                raise _WrongBytesError(name)
            part.replace(blob)
        Path(f"{part}.lock").unlink(missing_ok=True)
        return blob

    def _source(self, listing: Listing, name: str) -> _Source:
        """Ask where a file's bytes are: often on another host, which must not see the token."""
        hub = _library()
        url = hub.hf_hub_url(
            listing.repo, name, revision=listing.commit, endpoint=self._options.endpoint
        )
        token = self._token()
        found = hub.get_hf_file_metadata(url, token=token, endpoint=self._options.endpoint)
        if found.etag is None:
            raise OSError(f"{self._where} gives no ETag for {name}")
        if not is_etag(found.etag):
            raise self._odd(listing.repo, f"the ETag {found.etag[:80]!r} for {name}")
        headers = hub.utils.build_hf_headers(token=token)
        if not may_have_token(found.location, url):
            headers.pop("authorization", None)
        # Ranges count the bytes of the file, not those of a compressed answer.
        headers["Accept-Encoding"] = "identity"
        return _Source(found.location, found.etag, found.size, headers)

    def _token(self) -> str | bool | None:
        """Return the token for this hub: one that was given, True or None for the client's own.

        Raises:
            ModelDownloadError: A token was given for a hub to which it would go unencrypted.
        """
        endpoint = self._options.endpoint or str(_library().constants.ENDPOINT)
        if self._options.token is not None:
            if self._options.endpoint is None and not is_home(endpoint):
                raise ModelDownloadError(
                    f"the access token (hub.token) is not sent to {endpoint}, which another "
                    "program's variable names; name the endpoint in hub.endpoint too.",
                    endpoint=endpoint,
                )
            if not is_private(endpoint):
                raise ModelDownloadError(
                    f"the access token is not sent to {endpoint}: everybody on the way could read "
                    "it. Use an https address, or remove the token (hub.token).",
                    endpoint=endpoint,
                )
            return self._options.token
        return None if is_home(endpoint) else False

    def _odd(self, repo: str, what: str) -> ModelDownloadError:
        return ModelDownloadError(
            f"{self._where} names {what} of {repo}, which no hub does; nothing was written. "
            "Use another endpoint.",
            repo=repo,
        )

    def _wrong_bytes(self, repo: str, name: str) -> ModelDownloadError:
        return ModelDownloadError(
            f"{name} of {repo} arrived with other bytes than {self._where} lists "
            "(checksum differs); it was deleted. Try again; if it happens again, the mirror or a "
            "proxy on the way changes files.",
            repo=repo,
            file=name,
        )

    @property
    def _where(self) -> str:
        return self._options.endpoint or "the hub"

    def _refuse_offline(self, repo: str) -> None:
        if self._options.offline:
            raise ModelDownloadError(
                f"{repo} is not on this machine, and offline mode forbids to fetch it. "
                "Pull it once while online (`eclectus models pull`), or name a model folder.",
                repo=repo,
                offline=True,
            )

    @contextmanager
    def _translated(self, repo: str, revision: str | None) -> Iterator[None]:
        """Turn the client's errors into ours."""
        try:
            yield
        except _WrongBytesError as error:
            raise self._wrong_bytes(repo, error.name) from error
        except _client_errors() as error:
            raise self._error(error, repo, revision) from error

    def _error(self, error: Exception, repo: str, revision: str | None) -> ModelDownloadError:
        errors = _library().errors
        # The order matters: a gated repository is a kind of missing one to the client.
        reasons: tuple[tuple[type[Exception], str], ...] = (
            (
                errors.GatedRepoError,
                f"{repo} asks its users to accept its terms: do so on its page at {self._where}, "
                "then give an access token (the hub's token setting).",
            ),
            (
                errors.RepositoryNotFoundError,
                f"{self._where} has no repository {repo}, or it is private and needs an access "
                "token. `eclectus models list` shows names that work; no folder of this name is "
                "here either.",
            ),
            (
                errors.RevisionNotFoundError,
                f"{repo} has no revision {revision or 'main'} at {self._where}.",
            ),
            (
                errors.HFValidationError,
                f"{repo} is no valid hub id (owner/name).",
            ),
            (
                errors.HfHubHTTPError,
                f"{self._where} refused to deliver {repo} ({_status(error)}). Try again later, or "
                "set another endpoint.",
            ),
        )
        for kind, message in reasons:
            if isinstance(error, kind):
                return ModelDownloadError(message, repo=repo, revision=revision)
        return ModelDownloadError(
            f"{repo} could not be fetched from {self._where}: {_first_line(error)} What has "
            "arrived is kept: pull again to go on. Without a connection, use offline mode or a "
            "model folder.",
            repo=repo,
            revision=revision,
        )


def _library() -> ModuleType:
    """Import the hub's client.

    Raises:
        ModelDownloadError: It is not installed.
    """
    try:
        import huggingface_hub
        import huggingface_hub.constants
        import huggingface_hub.errors
    except ImportError as error:
        raise ModelDownloadError(
            "Fetching models by name needs the hub's client: pip install 'eclectus[hub]'. "
            "A model folder works without it.",
            extra="hub",
        ) from error
    return huggingface_hub


def _transfer(source: _Source, part: Path, name: str, on_progress: DownloadProgress | None) -> None:
    """Fetch the bytes that a partial file lacks, for as long as each attempt brings some."""
    while True:
        before = part.stat().st_size if part.exists() else 0
        try:
            _append(source, part, name, on_progress)
        except _transport_errors():
            if part.stat().st_size <= before:
                raise
        else:
            return


def _append(source: _Source, part: Path, name: str, on_progress: DownloadProgress | None) -> None:
    from huggingface_hub.file_download import http_get

    with part.open("ab") as file:
        http_get(
            source.url,
            file,
            resume_size=file.tell(),
            headers=dict(source.headers),
            expected_size=source.size,
            displayed_filename=name,
            tqdm_class=_silent_bar(name, on_progress),
        )


def _transport_errors() -> tuple[type[Exception], ...]:
    """What a broken connection raises.

    It differs by the client's version (httpx and its successor): the base of the client's own
    HTTP error is the root of that library's errors in all of them.
    """
    root: type[Exception] = _library().errors.HfHubHTTPError.__bases__[0]
    return OSError, root


def _client_errors() -> tuple[type[Exception], ...]:
    """Everything that the client raises on purpose; an impossible hub id is a ValueError."""
    return *_transport_errors(), ValueError


def _silent_bar(name: str, on_progress: DownloadProgress | None) -> type[Any]:
    """A progress bar in the client's sense that draws nothing and tells the callback."""
    base: Any = import_module("tqdm.auto").tqdm  # comes with the client

    class SilentBar(base):  # type: ignore[misc]  # the client's bars are untyped
        monitor_interval = 0

        def __init__(self, *args: Any, **options: Any) -> None:
            options.pop("name", None)
            options.update(file=io.StringIO(), disable=False)
            super().__init__(*args, **options)

        def update(self, n: float | None = 1) -> bool | None:
            shown = super().update(n)
            if on_progress is not None:
                on_progress(name, int(self.n), int(self.total or 0))
            return bool(shown)

    return SilentBar


def _status(error: Exception) -> str:
    status = getattr(getattr(error, "response", None), "status_code", None)
    return f"HTTP status {status}" if status is not None else "HTTP error"


def _first_line(error: Exception) -> str:
    text = str(error).strip().splitlines()
    return (text[0] if text else type(error).__name__).rstrip(".") + "."


def free_space_message(needed: int, free: int, root: Path) -> str:
    """What a user without room is told."""
    return (
        f"The download needs {human_size(needed)}, but {human_size(free)} are free at {root}. "
        "Make room, or set another folder for models."
    )
