"""Which value counts, and where it came from."""

import json
from collections.abc import Mapping
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from eclectus.config.aliases import ALIASES
from eclectus.config.schema import PREFIX, LogLevel, Settings, schema
from eclectus.config.settings import (
    MASK,
    LoadedSettings,
    config_files,
    default_places,
    load_settings,
)
from eclectus.config.sources import Given
from eclectus.core.choices import Device, OverwritePolicy, Precision
from eclectus.core.errors import OptionError


def load(
    folder: Path,
    environ: Mapping[str, str] | None = None,
    *flags: Given,
    config: Path | None = None,
) -> LoadedSettings:
    """Load without the machine's own environment and home."""
    home = {"HOME": str(folder / "home"), "APPDATA": str(folder / "home")}
    return load_settings(flags, config=config, environ=home | dict(environ or {}), folder=folder)


def test_without_anything_all_is_default(tmp_path: Path) -> None:
    loaded = load(tmp_path)
    assert loaded.settings == Settings()
    assert set(loaded.origins.values()) == {"default"}
    assert not loaded.is_set(*schema())


def test_each_layer_beats_the_ones_below(tmp_path: Path) -> None:
    user = tmp_path / "home" / ".config" / "eclectus" / "eclectus.toml"
    user.parent.mkdir(parents=True)
    here, dotenv = tmp_path / "eclectus.toml", tmp_path / ".env"
    seen = [load(tmp_path)]
    user.write_text("[batch]\nsize = 1\n")
    seen.append(load(tmp_path, {"XDG_CONFIG_HOME": str(tmp_path / "home" / ".config")}))
    here.write_text("[batch]\nsize = 2\n")
    seen.append(load(tmp_path))
    dotenv.write_text("BATCH_SIZE=3\n")
    seen.append(load(tmp_path))
    dotenv.write_text("BATCH_SIZE=3\nECLECTUS_BATCH__SIZE=4\n")
    seen.append(load(tmp_path))
    seen.append(load(tmp_path, {"BATCH_SIZE": "5"}))
    variables = {"BATCH_SIZE": "5", "ECLECTUS_BATCH__SIZE": "6"}
    seen.append(load(tmp_path, variables))
    seen.append(load(tmp_path, variables, Given("batch.size", "7", "--batch-size")))
    assert [(one.settings.batch.size, one.origins["batch.size"]) for one in seen] == [
        (16, "default"),
        (1, str(user)),
        (2, str(here)),
        (3, ".env: BATCH_SIZE"),
        (4, ".env: ECLECTUS_BATCH__SIZE"),
        (5, "BATCH_SIZE"),
        (6, "ECLECTUS_BATCH__SIZE"),
        (7, "--batch-size"),
    ]


def test_a_named_file_is_the_only_one(tmp_path: Path) -> None:
    (tmp_path / "eclectus.toml").write_text("[batch]\nsize = 2\n")
    named = tmp_path / "run.toml"
    named.write_text('model = "x"\n')
    loaded = load(tmp_path, config=named)
    assert (loaded.settings.model, loaded.settings.batch.size) == ("x", 16)
    assert load(tmp_path, {"ECLECTUS_CONFIG": str(named)}).settings.model == "x"


def test_a_named_file_must_exist(tmp_path: Path) -> None:
    with pytest.raises(OptionError, match=r"no configuration file .*gone\.toml"):
        load(tmp_path, config=tmp_path / "gone.toml")


def test_two_default_files_in_one_place_are_refused(tmp_path: Path) -> None:
    (tmp_path / "eclectus.toml").write_text("")
    (tmp_path / "eclectus.yaml").write_text("")
    with pytest.raises(OptionError, match="keep one"):
        load(tmp_path)


def test_default_places_follow_the_platform(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    environ = {"HOME": "/home/me", "APPDATA": "/roaming"}
    monkeypatch.setattr("sys.platform", "linux")
    assert default_places(environ, tmp_path)[0] == Path("/home/me/.config/eclectus/eclectus")
    monkeypatch.setattr("sys.platform", "win32")
    assert default_places(environ, tmp_path)[0] == Path("/roaming/eclectus/eclectus")
    assert default_places({})[1] == Path("eclectus")


def test_the_process_is_asked_when_no_environment_is_given(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path))
    monkeypatch.setenv("ECLECTUS_MODEL", "mine")
    assert load_settings().settings.model == "mine"
    assert config_files(None) == []
    assert default_places()[0] == tmp_path / "eclectus" / "eclectus"


@pytest.mark.parametrize(
    ("suffix", "text"),
    [
        (".toml", 'model = "m"\n[output]\nformats = ["srt", "vtt"]\n[backend]\nthreads = 2\n'),
        (".yaml", "model: m\noutput:\n  formats: [srt, vtt]\nbackend:\n  threads: 2\n"),
        (".yml", "model: m\noutput: {formats: 'srt, vtt'}\nbackend: {threads: '2'}\n"),
        (
            ".json",
            json.dumps(
                {"model": "m", "output": {"formats": ["srt", "vtt"]}, "backend": {"threads": 2}}
            ),
        ),
    ],
)
def test_toml_yaml_and_json_say_the_same(tmp_path: Path, suffix: str, text: str) -> None:
    path = tmp_path / f"run{suffix}"
    path.write_text(text)
    settings = load(tmp_path, config=path).settings
    assert (settings.model, settings.output.formats) == ("m", ("srt", "vtt"))
    assert settings.backend.threads == 2


@pytest.mark.parametrize("name", ["empty.yaml", "empty.toml"])
def test_an_empty_file_sets_nothing(tmp_path: Path, name: str) -> None:
    (tmp_path / name).write_text("")
    assert load(tmp_path, config=tmp_path / name).settings == Settings()


@pytest.mark.parametrize(
    ("name", "text", "message"),
    [
        ("a.toml", "[backend]\ndevce = 'cpu'\n", r"a\.toml.*backend\.devce.*backend\.device\?$"),
        ("a.toml", "[bakcend]\ndevice = 'cpu'\n", r"no setting 'bakcend'; did you mean backend"),
        ("a.toml", "zzz = 1\n", r"no setting 'zzz'$"),
        ("a.toml", "backend = 1\n", "backend is a section"),
        ("a.toml", "model = \n", r"a\.toml: "),
        ("a.json", "{", r"a\.json: "),
        ("a.yaml", "a: b: c", r"a\.yaml: "),
        ("a.yaml", "- 1", "a table of names and values, not a list"),
        ("a.ini", "", r"ends in \.toml"),
        (
            "a.toml",
            "[model]\nname = 1\n",
            r"model can't be \{'name': 1\}: it should be text",
        ),
        ("a.toml", "[batch]\nsize = 1.5\n", r"a\.toml: batch\.size can't be 1\.5"),
    ],
)
def test_a_wrong_file_is_refused_with_its_place(
    tmp_path: Path, name: str, text: str, message: str
) -> None:
    (tmp_path / name).write_text(text)
    with pytest.raises(OptionError, match=message):
        load(tmp_path, config=tmp_path / name)


def test_a_file_that_is_not_text_is_refused(tmp_path: Path) -> None:
    (tmp_path / "a.toml").write_bytes(b"\xff\xfe\x00")
    with pytest.raises(OptionError, match="not text in UTF-8"):
        load(tmp_path, config=tmp_path / "a.toml")


@pytest.mark.parametrize(
    ("variable", "message"),
    [
        ("ECLECTUS_BACKEND__DEVCE", r"did you mean ECLECTUS_BACKEND__DEVICE\?$"),
        ("ECLECTUS_BACKEND_DEVICE", r"did you mean ECLECTUS_BACKEND__DEVICE\?$"),
        ("ECLECTUS_MODLE", r"did you mean ECLECTUS_MODEL\?$"),
        ("ECLECTUS_BACKEND", r"backend is a section; its settings are ECLECTUS_BACKEND__"),
        ("ECLECTUS_QWXYZ", r"no variable of eclectus$"),
    ],
)
def test_a_misspelt_variable_is_refused_with_the_near_name(
    tmp_path: Path, variable: str, message: str
) -> None:
    with pytest.raises(OptionError, match=message):
        load(tmp_path, {variable: "cpu"})
    (tmp_path / ".env").write_text(f"{variable}=cpu\nSOMETHING_ELSE=1\n")
    with pytest.raises(OptionError, match=rf"^\.env: .*{message}"):
        load(tmp_path)


@pytest.mark.parametrize(
    ("key", "value", "message"),
    [
        ("backend.device", "gpu", "it should be auto, cpu, cuda"),
        ("batch.size", "many", "a whole number from 1 to 4096$"),
        ("batch.size", "0", "from 1 to"),
        ("backend.threads", "-1", "a whole number from 1 to 512, or none$"),
        ("long_form.overlap_s", "-0.5", "from 0"),
        ("long_form.window_s", "nan", "a number from 0"),
        ("long_form.window_s", "inf", "a number from 0"),
        ("audio.channel", "-1", "from 0 to 63"),
        ("hub.offline", "perhaps", "true or false"),
    ],
)
def test_an_impossible_value_is_refused_with_what_is_possible(
    tmp_path: Path, key: str, value: str, message: str
) -> None:
    with pytest.raises(OptionError, match=rf"^--flag: {key} can't be '{value}': .*{message}"):
        load(tmp_path, None, Given(key, value, "--flag"))


@pytest.mark.parametrize(
    ("variable", "text", "key", "value"),
    [
        ("ECLECTUS_BACKEND__DEVICE", "CUDA", "backend.device", Device.CUDA),
        ("eclectus_model", "m", "model", "m"),
        ("ECLECTUS_HUB__OFFLINE", "yes", "hub.offline", True),
        ("ECLECTUS_OUTPUT__FORMATS", "srt, vtt,", "output.formats", ("srt", "vtt")),
        ("ECLECTUS_SEGMENTS__SILENCE_GAP_S", "none", "segments.silence_gap_s", None),
        ("ECLECTUS_SEGMENTS__MAX_DURATION_S", "Null", "segments.max_duration_s", None),
        ("ECLECTUS_AUDIO__CHANNEL", "0", "audio.channel", 0),
        ("ECLECTUS_OUTPUT__OVERWRITE", "skip", "output.overwrite", OverwritePolicy.SKIP),
        ("ECLECTUS_MODEL", "", "model", None),
        ("ECLECTUS_HUB__CACHE_DIR", "~/m", "hub.cache_dir", str(Path("~/m").expanduser())),
    ],
)
def test_text_becomes_a_value_of_the_right_type(
    tmp_path: Path, variable: str, text: str, key: str, value: object
) -> None:
    assert load(tmp_path, {variable: text}).value(key) == value


@pytest.mark.parametrize(
    ("name", "text"),
    [
        ("a.yaml", "model: 2026-13-45"),
        ("a.json", '{"batch": {"size": ' + "9" * 5000 + "}}"),
        ("a.toml", "batch = {size = " + "9" * 5000 + "}"),
        ("a.yaml", "[" * 3000),
        ("a.json", "[" * 200_000),
        ("a.toml", "a = " + "[" * 3000),
    ],
    ids=lambda text: text[:12],
)
def test_no_file_is_a_fault_of_ours(tmp_path: Path, name: str, text: str) -> None:
    (tmp_path / name).write_text(text)
    with pytest.raises(OptionError, match=name):
        load(tmp_path, config=tmp_path / name)


def test_variables_of_kubernetes_are_not_ours(tmp_path: Path) -> None:
    links = {
        "ECLECTUS_ECLECTUS_SERVICE_HOST": "10.0.0.1",
        "ECLECTUS_ECLECTUS_SERVICE_PORT_HTTP": "8765",
        "ECLECTUS_PORT": "tcp://10.0.0.1:8765",
        "ECLECTUS_PORT_8765_TCP_ADDR": "10.0.0.1",
    }
    assert load(tmp_path, links).settings == Settings()
    with pytest.raises(OptionError):
        load(tmp_path, {"ECLECTUS_PORT": "8765"})


def test_a_number_without_end_and_a_home_without_a_user_are_refused(tmp_path: Path) -> None:
    with pytest.raises(OptionError, match="from 1 to 4096"):
        load(tmp_path, {"ECLECTUS_BATCH__SIZE": "9" * 400})
    with pytest.raises(OptionError, match="nosuch"):
        load(tmp_path, {"ECLECTUS_OUTPUT__DIRECTORY": "~nosuch_user/x"})
    with pytest.raises(OptionError, match="no configuration file"):
        load(tmp_path, config=Path("~nosuch_user/x.toml"))


def test_a_secret_is_never_shown(tmp_path: Path) -> None:
    assert load(tmp_path).shown("hub.token") is None
    loaded = load(tmp_path, {"ECLECTUS_HUB__TOKEN": "hunter2"})
    assert loaded.shown("hub.token") == MASK
    assert "hunter2" not in repr(loaded)
    (tmp_path / "a.json").write_text('{"hub": {"token": [12345]}}')
    with pytest.raises(OptionError) as refused:
        load(tmp_path, config=tmp_path / "a.json")
    assert "12345" not in str(refused.value)


def test_a_dotenv_file_is_read_as_shells_write_it(tmp_path: Path) -> None:
    (tmp_path / ".env").write_text(
        "# a comment\nexport ECLECTUS_MODEL='a b'\nECLECTUS_BATCH__SIZE=3  # three\nNAME_ONLY\n"
        'ECLECTUS_OUTPUT__TEMPLATE="${filename}"\n'
    )
    settings = load(tmp_path).settings
    assert (settings.model, settings.batch.size) == ("a b", 3)
    assert settings.output.template == "${filename}"


@pytest.mark.parametrize(
    ("variable", "text", "key", "value"),
    [
        ("PARAKEET_MODEL", "mlx-community/parakeet-tdt-0.6b-v2", "model", "parakeet-tdt-0.6b-v2"),
        ("PARAKEET_PRECISION", "bf16", "backend.precision", Precision.BF16),
        ("PARAKEET_PRECISION", "BFloat16", "backend.precision", Precision.BF16),
        ("MODEL_PRECISION", "fp16", "backend.precision", Precision.FP16),
        ("PARAKEET_FP32", "true", "backend.precision", Precision.FP32),
        ("PARAKEET_FP32", "0", "backend.precision", Precision.AUTO),
        ("DEVICE", "CUDA", "backend.device", Device.CUDA),
        ("BATCH_SIZE", "4", "batch.size", 4),
        ("CHUNK_LEN_SEC", "120", "long_form.window_s", 120.0),
        ("PARAKEET_CHUNK_MS", "500", "live.chunk_s", 0.5),
        ("PARAKEET_EMIT_PARTIAL", "false", "live.emit_partial", False),
        ("PARAKEET_MIN_CONFIDENCE", "0.3", "live.min_confidence", 0.3),
        ("PARAKEET_CHUNK_DURATION", "90", "long_form.window_s", 90.0),
        ("PARAKEET_OVERLAP_DURATION", "15", "long_form.overlap_s", 15.0),
        ("VAD_THRESHOLD", "0.6", "endpoint.threshold", 0.6),
        ("MAX_AUDIO_DURATION", "45", "audio.max_duration_s", 45.0),
        ("PARAKEET_OUTPUT_FORMAT", "all", "output.formats", ("all",)),
        ("PARAKEET_OUTPUT_DIR", "out", "output.directory", "out"),
        ("PARAKEET_OUTPUT_TEMPLATE", "{index}", "output.template", "{index}"),
        ("PARAKEET_HIGHLIGHT_WORDS", "true", "subtitles.highlight_words", True),
        ("PARAKEET_MAX_WORDS", "8", "segments.max_words", 8),
        ("PARAKEET_SILENCE_GAP", "1.5", "segments.silence_gap_s", 1.5),
        ("PARAKEET_MAX_DURATION", "20", "segments.max_duration_s", 20.0),
        ("MAX_CPS", "14", "subtitles.max_characters_per_s", 14.0),
        ("MAX_LINE_CHARS", "40", "subtitles.max_line_characters", 40),
        ("MAX_LINES_PER_BLOCK", "3", "subtitles.max_lines", 3),
        ("MIN_SEGMENT_DURATION_SEC", "1.5", "subtitles.min_duration_s", 1.5),
        ("MAX_SEGMENT_DURATION_SEC", "6", "subtitles.max_duration_s", 6.0),
        ("PARAKEET_CACHE_DIR", "/models", "hub.cache_dir", "/models"),
        ("PROCESSING_TIMEOUT", "90", "server.processing_timeout_s", 90.0),
        ("LOG_LEVEL", "INFO", "logging.level", LogLevel.INFO),
        ("LOG_LEVEL", "Warn", "logging.level", LogLevel.WARNING),
    ],
)
def test_a_variable_of_another_system_sets_its_twin(
    tmp_path: Path, variable: str, text: str, key: str, value: object
) -> None:
    loaded = load(tmp_path, {variable: text})
    assert loaded.value(key) == value
    assert loaded.origins[key] == variable


def test_every_alias_is_tried_above() -> None:
    from eclectus.config.aliases import ALIASES

    mark = next(
        one
        for one in test_a_variable_of_another_system_sets_its_twin.pytestmark  # type: ignore[attr-defined] # set by pytest
        if one.name == "parametrize"
    )
    tried = {row[0] for row in mark.args[1]} | {"TARGET_SR", "TARGET_SAMPLE_RATE"}
    assert {alias.variable for alias in ALIASES} == tried


def test_the_sample_rate_of_others_is_16000_or_refused_with_the_reason(tmp_path: Path) -> None:
    assert load(tmp_path, {"TARGET_SR": "16000"}).settings == Settings()
    with pytest.raises(OptionError, match=r"TARGET_SR: .*'8000' is impossible: .* 16000 Hz only"):
        load(tmp_path, {"TARGET_SR": "8000"})


def test_a_switch_of_others_is_on_or_off(tmp_path: Path) -> None:
    with pytest.raises(OptionError, match="PARAKEET_FP32 is a switch"):
        load(tmp_path, {"PARAKEET_FP32": "maybe"})


def test_two_aliases_that_contradict_each_other_are_refused(tmp_path: Path) -> None:
    both = {"PARAKEET_PRECISION": "bf16", "MODEL_PRECISION": "fp16"}
    with pytest.raises(OptionError, match="PARAKEET_PRECISION and MODEL_PRECISION both set"):
        load(tmp_path, both)
    same = load(tmp_path, {"PARAKEET_PRECISION": "fp16", "MODEL_PRECISION": "fp16"})
    assert same.settings.backend.precision is Precision.FP16
    own = load(tmp_path, both | {"ECLECTUS_BACKEND__PRECISION": "int8"})
    assert own.settings.backend.precision is Precision.INT8


def is_foreign(name: str) -> bool:
    ours = {alias.variable for alias in ALIASES}
    return not name.upper().startswith(PREFIX) and name not in ours


FOREIGN = st.text(min_size=1, max_size=12).filter(is_foreign)


@pytest.mark.parametrize(
    ("key", "value", "message"),
    [
        ("output.formats", "srtt", r"^--flag: There is no output format 'srtt'.*mean srt"),
        ("output.formats", " ", "^--flag: No output format is named"),
        ("output.template", "{nme}", r"^--flag: .*no placeholder"),
        ("output.template", "../{filename}", r"^--flag: .*leads out"),
    ],
)
def test_impossible_names_of_results_are_refused_where_settings_are_read(
    tmp_path: Path, key: str, value: str, message: str
) -> None:
    with pytest.raises(OptionError, match=message):
        load(tmp_path, None, Given(key, value, "--flag"))


@given(st.dictionaries(FOREIGN, st.text(max_size=12), max_size=4))
def test_foreign_variables_never_matter(variables: dict[str, str]) -> None:
    assert load(Path("/nonexistent"), variables).settings == Settings()


@pytest.mark.parametrize(
    ("address", "shown"),
    [
        ("redis://127.0.0.1:6379/0", "redis://127.0.0.1:6379/0"),
        ("redis://user@host/0", "redis://user@host/0"),
        ("redis://user:pass@host:6379/0", f"redis://user:{MASK}@host:6379/0"),
        ("redis://:pass@host/0", f"redis://:{MASK}@host/0"),
        ("redis://user:p:a@ss@host/0", f"redis://user:{MASK}@host/0"),
        ("redis://[::1]:6379/0", "redis://[::1]:6379/0"),
        ("pass", MASK),
    ],
)
def test_of_an_address_only_the_password_is_masked(
    tmp_path: Path, address: str, shown: str
) -> None:
    loaded = load(tmp_path, {"ECLECTUS_QUEUE__URL": address})
    assert loaded.shown("queue.url") == shown
    assert load(tmp_path).shown("queue.url") == "redis://127.0.0.1:6379/0"
