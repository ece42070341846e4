"""Checksums of files, and how a number of bytes is written for people."""

from __future__ import annotations

import hashlib
from pathlib import Path

from eclectus.core.regular_files import open_regular

_CHUNK_BYTES = 4 * 1024 * 1024


def sha256_of(path: Path) -> str:
    """Return the SHA-256 of a file's bytes, in hexadecimal."""
    return _digest(path, hashlib.sha256())


def git_blob_id(path: Path) -> str:
    """Return the name that Git gives to a file's content: the hub's checksum of small files."""
    header = f"blob {path.stat().st_size}\0".encode()
    return _digest(path, hashlib.sha1(header, usedforsecurity=False))


def _digest(path: Path, state: hashlib._Hash) -> str:
    with open_regular(path) as file:
        while chunk := file.read(_CHUNK_BYTES):
            state.update(chunk)
    return state.hexdigest()


def human_size(count: int) -> str:
    """Return bytes in decimal units, as hubs and file managers show them."""
    size = float(count)
    for unit in ("B", "kB", "MB"):
        if size < 1000:
            return f"{size:.0f} {unit}" if unit == "B" else f"{size:.1f} {unit}"
        size /= 1000
    return f"{size:.2f} GB"
