"""The models of a server: who loads them, who shares them, when they go."""

import threading
import time
from concurrent.futures import ThreadPoolExecutor

import pytest

import eclectus
from eclectus.api import Model
from eclectus.config.schema import Settings
from eclectus.config.server_options import ServerOptions
from eclectus.core.errors import ModelFilesError, UnknownModelError
from eclectus.service.model_pool import ModelPool

_PATIENCE_S = 60.0


class Opener:
    """Loads the built-in model under every name, and counts."""

    def __init__(self) -> None:
        self.opened: list[str] = []
        self.fail = False

    def __call__(self, name: str, _: Settings) -> Model:
        self.opened.append(name)
        if self.fail:
            raise ModelFilesError("broken")
        return eclectus.load(threads=1)


def pool_with(opener: Opener, unload_idle_s: float | None = 10.0) -> ModelPool:
    server = ServerOptions(models=("other", "third"), unload_idle_s=unload_idle_s)
    return ModelPool(Settings(server=server), opener=opener)


def test_the_default_model_comes_first_and_once() -> None:
    assert pool_with(Opener()).names == ("tiny", "other", "third")
    settings = Settings(model="other", server=ServerOptions(models=("other", "third")))
    assert ModelPool(settings).names == ("other", "third")


def test_many_who_ask_at_once_share_one_load() -> None:
    opener = Opener()
    pool = pool_with(opener)
    together = threading.Barrier(4, timeout=_PATIENCE_S)

    def ask(_: int) -> object:
        together.wait()
        return pool.borrow("other")

    with ThreadPoolExecutor(4) as threads:
        found = [*threads.map(ask, range(4))]
    assert opener.opened == ["other"]
    assert len(set(map(id, found))) == 1
    assert pool.loaded[0].users == 4
    pool.close()


def test_a_model_that_nobody_may_ask_for_is_unknown() -> None:
    opener = Opener()
    with pytest.raises(UnknownModelError, match="tiny, other, third"):
        pool_with(opener).borrow("acme/secret")
    assert opener.opened == []


def test_a_load_that_fails_is_tried_again_by_the_next() -> None:
    opener = Opener()
    opener.fail = True
    pool = pool_with(opener)
    with pytest.raises(ModelFilesError):
        pool.borrow("other")
    opener.fail = False
    assert pool.borrow("other").name == "other"
    pool.close()


def test_only_idle_models_are_unloaded_and_never_the_default_one() -> None:
    opener = Opener()
    pool = pool_with(opener)
    for name in ("tiny", "other"):
        pool.give_back(pool.borrow(name))
    held = pool.borrow("third")
    now = time.monotonic()
    assert pool.unload_idle(now) == []
    assert pool.unload_idle(now + 60) == ["other"]
    assert {served.name for served in pool.loaded} == {"tiny", "third"}
    pool.give_back(held)
    assert pool.unload_idle(now + 120) == ["third"]
    pool.give_back(pool.borrow("other"))
    assert opener.opened.count("other") == 2
    pool.close()
    pool.close()
    assert pool.loaded == ()


def test_nothing_is_unloaded_without_a_limit() -> None:
    pool = pool_with(Opener(), unload_idle_s=None)
    pool.give_back(pool.borrow("other"))
    assert pool.unload_idle(time.monotonic() + 1e9) == []
    pool.close()
