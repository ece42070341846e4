"""The list of settings."""

import subprocess
import sys
from dataclasses import fields
from pathlib import Path

import pytest

from eclectus.config.schema import Setting, Settings, schema, sections
from eclectus.core.options import TranscribeOptions

ROOT = Path(__file__).resolve().parents[3]


@pytest.mark.parametrize("setting", schema().values(), ids=lambda setting: setting.key)
def test_every_setting_says_what_it_means(setting: Setting) -> None:
    assert setting.help.endswith(".")


def test_a_setting_has_the_default_of_its_class() -> None:
    assert schema()["long_form.window_s"].default == Settings().long_form.window_s


def test_a_variable_is_named_after_section_and_name() -> None:
    assert schema()["long_form.window_s"].variable == "ECLECTUS_LONG_FORM__WINDOW_S"
    assert schema()["model"].variable == "ECLECTUS_MODEL"


def test_keys_and_tokens_are_the_secrets() -> None:
    secrets = {one.key for one in schema().values() if one.secret}
    assert secrets == {"hub.token", "queue.url", "server.api_keys", "server.listener_tokens"}


def test_every_section_of_a_transcription_can_be_set() -> None:
    names = {field.name for field in fields(TranscribeOptions)}
    assert names <= set(sections()) | set(schema())
    assert Settings().transcribe == TranscribeOptions()


def test_the_generated_references_are_up_to_date() -> None:
    done = subprocess.run(
        [sys.executable, "scripts/generate_reference.py", "--check"],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stdout + done.stderr
