"""Every option by every way in: a call, a flag, a variable, a file give one answer to one value."""

import json
import math
from collections.abc import Callable, Mapping
from pathlib import Path
from types import MappingProxyType

import pytest

from eclectus.apps.cli.flags import (
    FLAGS,
    QUEUE_FLAGS,
    SERVE_FLAGS,
    STREAM_FLAGS,
    SUBMIT_FLAGS,
    WORKER_FLAGS,
    Flag,
    flags_of,
    settings_of,
)
from eclectus.config.schema import Setting, Settings, schema, sections
from eclectus.config.settings import load_settings
from eclectus.config.sources import Given
from eclectus.core.errors import OptionError
from eclectus.core.option_spec import Kind

HIGH = 1e9
# The lowest and highest value of each number, and the next ones outside. `None` for the lowest:
# every value above the one outside is possible.
SHARE = (0, -0.001, 1, 1.001)
INNER_SHARE = (None, 0, 0.999, 1)
LENGTH = (None, 0, HIGH, 2 * HIGH)
FROM_ZERO = (0, -0.001, HIGH, 2 * HIGH)
COUNT = (1, 0, HIGH, 2 * HIGH)
PORT = (0, -1, 65_535, 65_536)
BOUNDS: dict[str, tuple[float | None, float, float, float]] = {
    "audio.channel": (0, -1, 63, 64),
    "audio.max_duration_s": LENGTH,
    "audio.max_expansion": LENGTH,
    "backend.threads": (1, 0, 512, 513),
    "search.max_symbols": (1, 0, 1000, 1001),
    "long_form.window_s": FROM_ZERO,
    "long_form.overlap_s": FROM_ZERO,
    "batch.size": (1, 0, 4096, 4097),
    "batch.max_audio_s": LENGTH,
    "live.left_s": FROM_ZERO,
    "live.chunk_s": LENGTH,
    "live.right_s": FROM_ZERO,
    "live.partial_s": LENGTH,
    "live.partial_share": INNER_SHARE,
    "live.draft_left_s": FROM_ZERO,
    "live.min_confidence": SHARE,
    "endpoint.threshold": INNER_SHARE,
    "endpoint.silence_s": LENGTH,
    "endpoint.max_utterance_s": LENGTH,
    "endpoint.pre_roll_s": FROM_ZERO,
    "endpoint.tail_s": FROM_ZERO,
    "segments.max_words": COUNT,
    "segments.max_characters": COUNT,
    "segments.max_duration_s": LENGTH,
    "segments.silence_gap_s": FROM_ZERO,
    "subtitles.max_line_characters": COUNT,
    "subtitles.max_lines": COUNT,
    "subtitles.max_characters_per_s": LENGTH,
    "subtitles.min_duration_s": (0, -0.001, 7, 7.001),  # the longest block has 7 s
    "subtitles.max_duration_s": (0.8, 0.799, HIGH, 2 * HIGH),  # the shortest has 0.8 s
    "server.port": PORT,
    "server.wyoming_port": PORT,
    "server.unload_idle_s": LENGTH,
    "server.max_sessions": COUNT,
    "server.max_sessions_per_client": COUNT,
    "server.max_files": COUNT,
    "server.max_files_per_client": COUNT,
    "server.max_upload_mb": LENGTH,
    "server.upload_stall_s": LENGTH,
    "server.decoding_memory_mb": (256, 255, HIGH, 2 * HIGH),
    "server.processing_timeout_s": LENGTH,
    "server.max_buffered_s": LENGTH,
    "server.stall_flush_s": LENGTH,
    "server.grace_s": FROM_ZERO,
    "queue.in_flight": (1, 0, 4096, 4097),
    "queue.lease_s": LENGTH,
    "queue.max_attempts": COUNT,
    "queue.retry_s": FROM_ZERO,
    "queue.grace_s": FROM_ZERO,
    "queue.metrics_port": (1, 0, 65_535, 65_536),
}
NUMBERS = (Kind.INTEGER, Kind.NUMBER)
FLAG_OF = {
    flag.key: flag
    for table in (FLAGS, STREAM_FLAGS, SERVE_FLAGS, QUEUE_FLAGS, WORKER_FLAGS, SUBMIT_FLAGS)
    for flag in table.values()
    if flag.constant is None
}
REFUSED = object()
Way = Callable[[Setting, object, Path], object]


def answer(read: Callable[[], object]) -> object:
    try:
        return read()
    except OptionError:
        return REFUSED


def by_call(setting: Setting, value: object, folder: Path) -> object:
    section, _, name = setting.key.rpartition(".")
    home = sections()[section].type if section else Settings
    return answer(lambda: getattr(home(**{name: value}), name))


def read(
    setting: Setting,
    folder: Path,
    *given: Given,
    environ: Mapping[str, str] = MappingProxyType({}),
    config: Path | None = None,
) -> object:
    return answer(
        lambda: load_settings(given, config=config, environ=environ, folder=folder).value(
            setting.key
        )
    )


def by_flag(setting: Setting, value: object, folder: Path) -> object:
    return read(setting, folder, Given(setting.key, as_text(value), "--flag"))


def by_variable(setting: Setting, value: object, folder: Path) -> object:
    return read(setting, folder, environ={setting.variable: as_text(value)})


def by_file(suffix: str) -> Way:
    def way(setting: Setting, value: object, folder: Path) -> object:
        section, _, name = setting.key.rpartition(".")
        written = json.dumps(value).replace("NaN", "nan").replace("Infinity", "inf")
        if suffix == ".toml":
            text = (f"[{section}]\n" if section else "") + f"{name} = {written}\n"
        else:
            text = json.dumps({section: {name: value}} if section else {name: value})
        file = folder / f"run{suffix}"
        file.write_text(text, encoding="utf-8")
        return read(setting, folder, config=file)

    return way


def as_text(value: object) -> str:
    return ",".join(value) if isinstance(value, list) else str(value)


WAYS: dict[str, Way] = {
    "call": by_call,
    "flag": by_flag,
    "variable": by_variable,
    "toml": by_file(".toml"),
    "json": by_file(".json"),
}
TABLE = [setting for setting in schema().values() if setting.option.kind in NUMBERS]


def test_the_bounds_of_every_number_stand_here() -> None:
    assert {setting.key for setting in TABLE} == set(BOUNDS)


@pytest.mark.parametrize("way", WAYS)
@pytest.mark.parametrize("setting", TABLE, ids=lambda one: one.key)
def test_a_number_is_possible_up_to_its_bounds_and_not_beyond(
    setting: Setting, way: str, tmp_path: Path
) -> None:
    low, below, high, above = BOUNDS[setting.key]
    whole = setting.option.kind is Kind.INTEGER
    for good in [high] if low is None else [low, high]:
        given = int(good) if whole else good
        assert WAYS[way](setting, given, tmp_path) == given
    for bad in (below, above, -1.5, math.nan, math.inf, -math.inf, "many", "0x10", "", "1 2"):
        if bad == "" and way == "variable":
            continue  # a variable that is empty counts as not set
        assert WAYS[way](setting, bad, tmp_path) is REFUSED, bad
    if whole:
        assert WAYS[way](setting, 1.5, tmp_path) is REFUSED


@pytest.mark.parametrize("setting", TABLE, ids=lambda one: one.key)
def test_a_number_is_no_switch_and_no_object(setting: Setting, tmp_path: Path) -> None:
    for bad in (True, b"1", [1], {}, object()):
        assert by_call(setting, bad, tmp_path) is REFUSED


@pytest.mark.parametrize("way", WAYS)
@pytest.mark.parametrize(
    "setting",
    [one for one in schema().values() if one.option.kind is Kind.CHOICE],
    ids=lambda one: one.key,
)
def test_a_name_is_its_member_and_no_other_name_is_possible(
    setting: Setting, way: str, tmp_path: Path
) -> None:
    kind = setting.option.type
    for name in setting.option.choices:
        for spelt in (name, name.upper(), f" {name} "):
            found = WAYS[way](setting, spelt, tmp_path)
            assert found == kind(name)
            assert type(found) is kind
    for bad in ("gpu", "", "auto,cpu", "1"):
        if bad == "" and way == "variable":
            continue
        assert WAYS[way](setting, bad, tmp_path) is REFUSED


@pytest.mark.parametrize("way", WAYS)
@pytest.mark.parametrize(
    "setting",
    [one for one in schema().values() if one.option.kind is Kind.SWITCH],
    ids=lambda one: one.key,
)
def test_a_switch_is_on_or_off(setting: Setting, way: str, tmp_path: Path) -> None:
    for text in ("true", "yes", "on", "1", "TRUE"):
        assert WAYS[way](setting, text, tmp_path) is True
    for text in ("false", "no", "off", "0"):
        assert WAYS[way](setting, text, tmp_path) is False
    for value in (True, False):
        assert WAYS[way](setting, value, tmp_path) is value
    for bad in ("perhaps", "2", 2, 0.5):
        assert WAYS[way](setting, bad, tmp_path) is REFUSED


@pytest.mark.parametrize("way", WAYS)
@pytest.mark.parametrize(
    "setting",
    [
        one
        for one in schema().values()
        if one.option.optional or one.option.kind in (*NUMBERS, Kind.SWITCH)
    ],
    ids=lambda one: one.key,
)
def test_none_is_a_value_of_what_may_be_left_out(
    setting: Setting, way: str, tmp_path: Path
) -> None:
    wanted = None if setting.option.optional else REFUSED
    for word in ("none", "None", "null"):
        assert WAYS[way](setting, word, tmp_path) is wanted


@pytest.mark.parametrize("way", WAYS)
@pytest.mark.parametrize(
    "setting",
    [one for one in schema().values() if one.option.kind in (Kind.TEXT, Kind.TEXTS)],
    ids=lambda one: one.key,
)
def test_a_text_is_text_that_is_not_empty(setting: Setting, way: str, tmp_path: Path) -> None:
    many = setting.option.kind is Kind.TEXTS
    value = "srt,vtt" if many else "a b"  # names that the formats of results have too
    assert WAYS[way](setting, value, tmp_path) == (("srt", "vtt") if many else "a b")
    if many and way != "flag":
        assert WAYS[way](setting, ["srt", " vtt"], tmp_path) == ("srt", "vtt")
    if not many:
        assert WAYS[way](setting, " ", tmp_path) is REFUSED
    if way in ("call", "toml", "json"):
        assert WAYS[way](setting, 5, tmp_path) is REFUSED
        assert WAYS[way](setting, [5], tmp_path) is REFUSED


@pytest.mark.parametrize("key", FLAG_OF)
def test_a_flag_gives_what_its_setting_says(key: str) -> None:
    setting, flag = schema()[key], FLAG_OF[key]
    if setting.option.kind is Kind.SWITCH:
        assert settings_of([(flag, True)]).value(key) is True
        return
    if setting.option.kind in NUMBERS:
        low, below, high, _ = BOUNDS[key]
        good, bad = str(high if low is None else low), str(below)
    elif setting.option.choices:
        good, bad = setting.option.choices[-1], "gpu"
    else:
        good, bad = "json", ""
    value = settings_of([(flag, [good] if flag.many else good)]).value(key)
    assert str(value[0] if isinstance(value, tuple) else value) in (good, f"{good}.0")
    if not flag.many:
        with pytest.raises(OptionError, match=rf"^{flag.name}: {key} can't be"):
            settings_of([(flag, bad)])


def test_every_declared_flag_belongs_to_a_command() -> None:
    declared = {one.key for one in schema().values() if one.option.declared.flag}
    of_models = {flag.key for flag in flags_of("hub").values()}
    assert declared == set(FLAG_OF) | of_models


def test_two_settings_never_share_a_flag() -> None:
    flags: list[Flag] = [*flags_of("model", "language", *sections()).values()]
    spellings = [part for flag in flags for name in flag.names for part in name.split("/")]
    assert len(spellings) == len(set(spellings))


def test_values_that_are_impossible_together_name_their_places(tmp_path: Path) -> None:
    given = [Given("long_form.window_s", "10", "--chunk-duration")]
    variables = {"ECLECTUS_LONG_FORM__OVERLAP_S": "6"}
    with pytest.raises(OptionError) as refused:
        load_settings(given, environ=variables, folder=tmp_path)
    assert str(refused.value).startswith(
        "long_form.overlap_s (ECLECTUS_LONG_FORM__OVERLAP_S) and "
        "long_form.window_s (--chunk-duration): an overlap of 6 s is more than half"
    )


def test_a_window_alone_is_possible(tmp_path: Path) -> None:
    given = [Given("long_form.window_s", "3", "--chunk-duration")]
    assert load_settings(given, environ={}, folder=tmp_path).settings.long_form.window_s == 3
