import datetime as dt
from pathlib import Path, PurePath

import pytest

from eclectus.core.errors import OptionError
from eclectus.output.template import (
    TemplateFields,
    add_suffix,
    expand_template,
)


def values(filename: str = "talk", parent: str = "day one", model: str = "m") -> TemplateFields:
    return TemplateFields(
        parent=parent, filename=filename, index=7, date=dt.date(2024, 2, 3), model=model
    )


@pytest.mark.parametrize(
    ("template", "expected"),
    [
        ("{filename}", "talk"),
        ("{parent}/{filename}", "day one/talk"),
        ("{date}/{index:03d}-{filename}", "2024-02-03/007-talk"),
        ("{date:%Y/%m}/{filename}", "2024/02/talk"),
        ("{filename:_>6}", "__talk"),
        ("{filename}.v1.2", "talk.v1.2"),
        ("{{{filename}}}", "{talk}"),
        ("./{filename}//", "talk"),
    ],
)
def test_a_template_is_filled(template: str, expected: str) -> None:
    assert expand_template(template, values()) == PurePath(expected)


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        ("nvidia/parakeet", "nvidia_parakeet"),
        ("..", "_"),
        ("../../etc/passwd", ".._.._etc_passwd"),
        ("a\\b:c\x00", "a_b_c_"),
        ("/root", "_root"),
    ],
)
def test_a_value_never_leads_out_of_the_folder(value: str, expected: str) -> None:
    assert expand_template("{model}/x", values(model=value)) == PurePath(expected, "x")
    assert expand_template("{filename}", values(filename=value)) == PurePath(expected)


def test_an_empty_value_makes_no_absolute_path() -> None:
    assert expand_template("{parent}/{filename}", values(parent="")) == PurePath("talk")


@pytest.mark.parametrize("template", ["{nope}", "{}", "{0}", "{filename.upper}", "{filename[0]}"])
def test_an_unknown_placeholder_is_refused_with_those_there_are(template: str) -> None:
    with pytest.raises(OptionError, match="no placeholder") as caught:
        expand_template(template, values())
    assert "{parent}, {filename}, {index}, {date}, {model}" in str(caught.value)


@pytest.mark.parametrize(
    ("template", "reason"),
    [
        ("{filename", "malformed"),
        ("{index:q}", "malformed"),
        ("{filename:03d}", "malformed"),
        ("../{filename}", "leads out"),
        ("a/../../{filename}", "leads out"),
        ("/tmp/{filename}", "absolute"),
        ("", "empty"),
        ("./", "empty"),
    ],
)
def test_a_template_that_can_not_be_used_is_refused(template: str, reason: str) -> None:
    with pytest.raises(OptionError, match=reason):
        expand_template(template, values())


def test_the_fields_of_a_source_are_its_names(tmp_path: Path) -> None:
    day = dt.date(2024, 2, 3)
    found = TemplateFields.of_source(tmp_path / "talk.v2.mp3", index=1, model="m", day=day)
    assert (found.parent, found.filename) == (tmp_path.name, "talk.v2")
    assert TemplateFields.of_source("-", index=1, model="m", day=day).filename == "stdin"


def test_a_suffix_is_added_after_the_dots_that_are_there() -> None:
    assert add_suffix(PurePath("a/talk.v2"), "srt") == PurePath("a/talk.v2.srt")
