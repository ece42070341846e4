"""An existing `config.toml` of eaRS as settings."""

from __future__ import annotations

import logging
from pathlib import Path

import pytest

from eclectus.config.settings import LoadedSettings, load_settings
from eclectus.core.errors import OptionError

CONFIG = """
[storage]
model_dir = "{models}"
ref_audio = "~/ref"

[model]
prime_languages = ["de"]

[whisper]
enabled = true
[whisper.sentence_detection]
min_duration = 1.0

[server]
websocket_port = 9765
host = "0.0.0.0"
listener_tokens = ["one", "two"]
enable_listener_mode = {listen}

[dictation.servers.home]
host = "h"
"""


def loaded(path: Path, text: str, **environ: str) -> LoadedSettings:
    path.write_text(text, encoding="utf-8")
    named = {"ECLECTUS_CONFIG": str(path), **environ}
    return load_settings(environ=named, folder=path.parent)


def test_port_host_and_tokens_are_taken(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    path = tmp_path / "config.toml"
    with caplog.at_level(logging.WARNING, "eclectus"):
        found = loaded(path, CONFIG.format(models=tmp_path / "none", listen="true"))
    server = found.settings.server
    assert (server.host, server.port) == ("0.0.0.0", 9765)
    assert server.listener_tokens == ("one", "two")
    assert found.origins["server.port"] == str(path)
    assert found.settings.model is None
    (line,) = [record.getMessage() for record in caplog.records]
    assert "dictation, model, storage.model_dir" in line
    assert "whisper" in line


def test_the_storage_of_eclectus_is_no_configuration_of_ears(tmp_path: Path) -> None:
    found = loaded(tmp_path / "run.toml", '[storage]\nregion = "eu-north-1"\n')
    assert found.settings.storage.region == "eu-north-1"
    with pytest.raises(OptionError, match=r"storage\.regin.*storage\.region"):
        loaded(tmp_path / "run.toml", '[storage]\nregin = "x"\n')


def test_tokens_count_only_where_listeners_were_allowed(tmp_path: Path) -> None:
    path = tmp_path / "config.toml"
    found = loaded(path, CONFIG.format(models=tmp_path, listen="false"))
    assert found.settings.server.listener_tokens == ()


def test_the_environment_goes_before_the_file(tmp_path: Path) -> None:
    text = CONFIG.format(models=tmp_path, listen="true")
    found = loaded(tmp_path / "config.toml", text, ECLECTUS_SERVER__PORT="1234")
    assert found.settings.server.port == 1234


@pytest.mark.parametrize("place", [".", "parakeet"])
def test_a_parakeet_model_in_the_folder_is_found(tmp_path: Path, place: str) -> None:
    models = tmp_path / "models"
    folder = models / place
    folder.mkdir(parents=True)
    (models / "a-file").touch()
    for name in ("encoder-model.onnx", "decoder_joint-model.onnx", "vocab.txt"):
        (folder / name).touch()
    found = loaded(tmp_path / "config.toml", CONFIG.format(models=models, listen="true"))
    assert found.settings.model == str(folder)


def test_a_model_that_is_named_is_taken(tmp_path: Path) -> None:
    text = '[storage]\nmodel_dir = "x"\n[parakeet]\nmodel_path = "/models/v3"\n'
    assert loaded(tmp_path / "config.toml", text).settings.model == "/models/v3"


def test_a_folder_that_is_no_text_finds_nothing(tmp_path: Path) -> None:
    found = loaded(tmp_path / "config.toml", "server = 7\n[storage]\nmodel_dir = 5\n")
    assert found.settings.model is None


def test_impossible_values_are_refused_with_their_place(tmp_path: Path) -> None:
    with pytest.raises(OptionError, match=r"config\.toml: server\.port can't be 'many'"):
        loaded(
            tmp_path / "config.toml",
            '[storage]\nref_audio = "~"\n[server]\nwebsocket_port = "many"\n',
        )


def test_a_file_of_eclectus_is_as_strict_as_before(tmp_path: Path) -> None:
    with pytest.raises(OptionError, match="storage"):
        loaded(tmp_path / "config.toml", 'storage = "x"\n')
