"""What a command needs beside the base installation."""

from __future__ import annotations

from collections.abc import Mapping
from importlib.util import find_spec

from eclectus.core.errors import BackendUnavailableError

_MODULES: Mapping[str, tuple[str, ...]] = {
    "server": ("fastapi", "uvicorn", "websockets", "python_multipart", "prometheus_client"),
    "worker": ("redis", "obstore", "prometheus_client"),
}


def require_extra(extra: str) -> None:
    """Check that the packages of an extra are installed.

    Raises:
        BackendUnavailableError: They are not; the message names what is missing and the extra.
    """
    missing = [name for name in _MODULES[extra] if find_spec(name) is None]
    if missing:
        raise BackendUnavailableError(
            f"this command needs {', '.join(missing)}: pip install 'eclectus[{extra}]'",
            extra=extra,
        )
