"""The public surface of the package."""

import subprocess
import sys

import pytest

import eclectus


@pytest.mark.parametrize("name", eclectus.__all__)
def test_every_public_name_resolves_and_is_documented(name: str) -> None:
    value = getattr(eclectus, name)
    assert value is not None
    if name != "__version__":
        assert value.__doc__


def test_public_names_are_listed() -> None:
    assert set(eclectus.__all__) <= set(dir(eclectus))


def test_an_unknown_name_is_an_attribute_error() -> None:
    with pytest.raises(AttributeError, match="no attribute 'transcibe'"):
        _ = eclectus.transcibe


def test_importing_the_package_does_not_import_numpy() -> None:
    code = "import sys, eclectus; print('numpy' in sys.modules)"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "False"
