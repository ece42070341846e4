"""The catalogue's names and what they lead to."""

import re

import pytest

from eclectus.core.choices import Precision
from eclectus.core.model_config import Head
from eclectus.models import catalog
from eclectus.models.catalog import CATALOG

WANTED = {
    "parakeet-tdt-0.6b-v2",
    "parakeet-tdt-0.6b-v3",
    "parakeet-tdt-1.1b",
    "parakeet-rnnt-0.6b",
    "parakeet-rnnt-1.1b",
    "parakeet-ctc-0.6b",
    "parakeet-ctc-1.1b",
    "parakeet-tdt_ctc-110m",
    "parakeet-tdt_ctc-1.1b",
}


def test_the_whole_family_has_a_name() -> None:
    assert {entry.name for entry in CATALOG} == WANTED


def test_v3_speaks_twenty_five_languages_and_v2_english() -> None:
    v3, v2 = catalog.find("parakeet-tdt-0.6b-v3"), catalog.find("parakeet-tdt-0.6b-v2")
    assert v3 is not None
    assert v2 is not None
    assert len(set(v3.languages)) == 25
    assert {"bg", "en", "mt", "uk"} <= set(v3.languages)
    assert v2.languages == ("en",)


@pytest.mark.parametrize(
    "alias",
    [
        "parakeet-tdt-0.6b-v3",
        "Parakeet-TDT-0.6B-v3",
        "parakeet_tdt_0.6b_v3",
        "nvidia/parakeet-tdt-0.6b-v3",
        "nemo-parakeet-tdt-0.6b-v3",
        "parakeet",
        "v3",
        " v3 ",
    ],
)
def test_a_model_is_found_by_each_of_its_names(alias: str) -> None:
    entry = catalog.find(alias)
    assert entry is not None
    assert entry.name == "parakeet-tdt-0.6b-v3"


def test_hybrids_are_found_with_dash_and_underscore() -> None:
    assert catalog.find("parakeet-tdt-ctc-110m") is catalog.find("nvidia/parakeet-tdt_ctc-110m")
    assert catalog.find("parakeet-tdt-ctc-110m") is not None


def test_an_unknown_name_is_none() -> None:
    assert catalog.find("whisper-large") is None
    assert catalog.find_export("nobody/nothing") is None


@pytest.mark.parametrize("entry", CATALOG, ids=lambda entry: entry.name)
def test_every_entry_is_sound(entry: catalog.ModelEntry) -> None:
    assert entry.original.startswith("nvidia/")
    assert entry.license == "CC-BY-4.0"
    assert entry.mel_bins in {80, 128}
    assert entry.head in Head
    assert entry.parameters_m >= 110
    for export in entry.exports:
        assert re.fullmatch(r"[\w.-]+/[\w.-]+", export.repo)
        assert export.revision is None or re.fullmatch(r"[0-9a-f]{40}", export.revision)
        assert Precision.AUTO not in export.precisions
        assert catalog.find_export(export.repo.upper()) == (entry, export)


def test_precisions_of_all_exports_count() -> None:
    v3 = catalog.find("v3")
    assert v3 is not None
    assert v3.precisions == (Precision.FP32, Precision.INT8, Precision.FP16)


@pytest.mark.parametrize(
    ("typed", "meant"),
    [
        ("parakeet-tdt-0.6b-v4", "parakeet-tdt-0.6b-v3"),
        ("parakeet-tdt-06b-v3", "parakeet-tdt-0.6b-v3"),
        ("nvidia/parakeet-ctc-1b", "parakeet-ctc-1.1b"),
        ("parakeet-tdt-ctc-110", "parakeet-tdt_ctc-110m"),
        ("tinny", "tiny"),
    ],
)
def test_near_names_contain_what_was_meant(typed: str, meant: str) -> None:
    near = catalog.near_names(typed)
    assert meant in near
    assert len(near) <= 3
    assert len(set(near)) == len(near)


def test_nothing_is_near_to_nonsense() -> None:
    assert catalog.near_names("zzzzqqqq") == ()
