"""`eclectus transcribe` with the built-in model."""

import io
import json
import re
import sys
from pathlib import Path

import pytest

from eclectus.apps.cli.loading import BUILTIN_HINT
from eclectus.output.registry import FORMATS
from tests.support.clips import right
from tests.support.command_line import Cli

CUE = re.compile(r"00:00:\d\d,\d{3} --> 00:00:\d\d,\d{3}")


def below(folder: Path) -> list[str]:
    return sorted(path.relative_to(folder).as_posix() for path in folder.rglob("*.*"))


def test_without_output_options_the_text_alone_is_on_standard_output(cli: Cli, clip: Path) -> None:
    ended = cli("transcribe", clip)
    assert ended.code == 0
    assert right(ended.out)
    assert ended.out.count("\n") == 1
    assert list(clip.parent.glob("*.txt")) == []


def test_the_run_is_told_in_plain_lines_on_standard_error(cli: Cli, clips: list[Path]) -> None:
    lines = cli("transcribe", *clips).err.splitlines()
    assert lines[0] == BUILTIN_HINT
    assert re.fullmatch(rf"{re.escape(str(clips[0]))}: \d\.\d s of audio", lines[1])
    assert re.fullmatch(rf"{re.escape(str(clips[1]))}: \d\.\d s of audio", lines[2])
    assert re.fullmatch(
        r"2 files transcribed: [\d.]+ s of audio in [\d.]+ s \(RTFx [\d.]+\)", lines[3]
    )
    assert len(lines) == 4


def test_quiet_tells_nothing_but_the_text(cli: Cli, clip: Path) -> None:
    ended = cli("transcribe", clip, "--quiet")
    assert (ended.code, ended.err) == (0, "")
    assert right(ended.out)


def test_several_formats_are_printed_one_after_the_other(cli: Cli, clip: Path) -> None:
    out = cli("transcribe", clip, "-f", "txt", "-f", "srt", "--stdout").out
    first, _, rest = out.partition("\n")
    assert right(first)
    assert CUE.search(rest)
    assert below(clip.parent) == [clip.name]


def test_a_format_alone_writes_files_in_the_current_folder(cli: Cli, clip: Path) -> None:
    clip.parent.joinpath("in").mkdir()
    moved = clip.rename(clip.parent / "in" / clip.name)
    ended = cli("transcribe", moved, "--output-format", "srt,txt")
    assert ended.out == ""
    assert "→ garden.srt, garden.txt" in ended.err
    assert right(Path("garden.txt").read_text(encoding="utf-8"))


def test_all_formats_are_written_into_a_folder_that_is_made(cli: Cli, clip: Path) -> None:
    assert cli("transcribe", clip, "-f", "all", "-o", "deep/out").code == 0
    assert below(Path("deep/out")) == sorted(f"garden.{name}" for name in FORMATS)
    parsed = json.loads(Path("deep/out/garden.json").read_text(encoding="utf-8"))
    assert right(parsed["text"])


def test_a_folder_is_transcribed_into_names_by_the_template(cli: Cli, clips: list[Path]) -> None:
    folder = clips[0].parent
    template = "{parent}/{index:02d}-{filename}-{model}"
    ended = cli("transcribe", folder, "-o", "out", "--output-template", template)
    assert ended.code == 0
    assert below(folder / "out") == [
        f"{folder.name}/01-garden-tiny.txt",
        f"{folder.name}/02-temper-tiny.txt",
    ]


@pytest.mark.usefixtures("clips")
def test_a_pattern_is_expanded(cli: Cli) -> None:
    assert cli("transcribe", "*den.flac", "-f", "txt").code == 0
    assert below(Path()) == ["garden.flac", "garden.txt", "temper.flac"]


def test_standard_input_is_transcribed(
    cli: Cli, clip: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(io.BytesIO(clip.read_bytes())))
    ended = cli("transcribe", "-")
    assert ended.code == 0, ended.err
    assert right(ended.out)
    assert "standard input: " in ended.err


def test_results_from_standard_input_are_called_stdin(
    cli: Cli, clip: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(io.BytesIO(clip.read_bytes())))
    assert cli("transcribe", "-", "-f", "txt").code == 0
    assert Path("stdin.txt").is_file()


def test_one_bad_file_fails_alone(cli: Cli, clip: Path) -> None:
    clip.with_name("bad.wav").write_bytes(b"RIFF\0\0\0\0WAVE")
    ended = cli("transcribe", "bad.wav", clip, "gone.wav", "*.opus", "-f", "txt")
    assert ended.code == 3
    assert Path("garden.txt").is_file()
    assert re.search(r"^bad\.wav .* \(undecodable_audio\)$", ended.err, re.MULTILINE)
    assert re.search(r"^gone\.wav: .* \(audio_not_found\)$", ended.err, re.MULTILINE)
    assert "no file matches *.opus" in ended.err
    assert "1 file transcribed, 3 failed" in ended.err


def test_failures_are_told_even_when_quiet(cli: Cli) -> None:
    ended = cli("transcribe", "gone.wav", "--quiet")
    assert ended.code == 4
    assert "gone.wav" in ended.err.splitlines()[0]


def test_two_inputs_of_one_output_are_refused_before_the_work(cli: Cli, clip: Path) -> None:
    other = clip.with_suffix(".ogg")
    other.write_bytes(clip.read_bytes())
    ended = cli("transcribe", clip, other, "-f", "txt")
    assert ended.code == 2
    assert "would both be written to garden.txt" in ended.err
    assert below(Path()) == ["garden.flac", "garden.ogg"]


def test_a_result_never_replaces_an_input(cli: Cli, clip: Path) -> None:
    copy = clip.rename(clip.with_name("a.txt"))
    ended = cli("transcribe", copy, "-f", "txt")
    assert ended.code == 2
    assert "would replace an input" in ended.err


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ([], "name the files to transcribe"),
        (["--watch", ".", "a.wav"], "name the files to transcribe"),
        (["a.wav", "--output-format", "doc"], "no output format 'doc'"),
        (["a.wav", "--output-template", "{x}"], "placeholder {x}"),
        (["a.wav", "--stdout", "-o", "out"], "--stdout and --output-dir contradict"),
        (["--watch", "gone"], "--watch needs a folder"),
        (["a.wav", "--chunk-duration", "5", "--overlap-duration", "9"], "overlap"),
    ],
)
def test_impossible_wishes_end_with_2(cli: Cli, arguments: list[str], message: str) -> None:
    ended = cli("transcribe", *arguments)
    assert ended.code == 2, ended.err
    assert message in ended.err
    assert ended.out == ""


def test_an_unknown_model_ends_with_4(cli: Cli, clip: Path) -> None:
    ended = cli("transcribe", clip, "--model", "parakeet-tdt-0.6b-v9")
    assert ended.code == 4
    assert "parakeet-tdt-0.6b-v3" in ended.err


def test_a_model_that_is_not_here_is_fetched_first(
    cli: Cli, clip: Path, place: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("ECLECTUS_HUB__OFFLINE", "true")
    monkeypatch.setenv("ECLECTUS_HUB__CACHE_DIR", str(place / "empty"))
    ended = cli("transcribe", clip, "--model", "parakeet-tdt-0.6b-v3")
    assert ended.code == 4
    assert "parakeet-tdt-0.6b-v3" in ended.err
    assert "this is a bug" not in ended.err


def test_results_that_exist_are_replaced_skipped_or_refused(cli: Cli, clip: Path) -> None:
    Path("garden.txt").write_text("old", encoding="utf-8")
    refused = cli("transcribe", clip, "-f", "txt", "--overwrite", "fail")
    assert (refused.code, Path("garden.txt").read_text(encoding="utf-8")) == (4, "old")
    assert "(output_exists)" in refused.err
    skipped = cli("transcribe", clip, "-f", "txt", "--overwrite", "skip")
    assert (skipped.code, Path("garden.txt").read_text(encoding="utf-8")) == (0, "old")
    assert "skipped" in skipped.err
    # Of several results only the missing one is made.
    assert cli("transcribe", clip, "-f", "txt,srt", "--overwrite", "skip").code == 0
    assert (Path("garden.txt").read_text(encoding="utf-8"), Path("garden.srt").exists()) == (
        "old",
        True,
    )
    assert cli("transcribe", clip, "-f", "txt").code == 0
    assert right(Path("garden.txt").read_text(encoding="utf-8"))


def test_a_folder_that_can_not_be_written_fails_that_file(cli: Cli, clip: Path) -> None:
    Path("out").write_text("a file", encoding="utf-8")
    ended = cli("transcribe", clip, "-o", "out")
    assert ended.code == 4
    assert "(output_error)" in ended.err


def test_settings_shape_the_result(cli: Cli, clip: Path) -> None:
    Path("run.toml").write_text(
        "[segments]\nmax_words = 3\n[output]\nformats = ['txt']\n", encoding="utf-8"
    )
    assert cli("transcribe", clip, "--config", "run.toml").out == ""
    assert len(Path("garden.txt").read_text(encoding="utf-8").splitlines()) >= 3
    one = cli("transcribe", clip, "--config", "run.toml", "--max-words", "none", "--stdout")
    assert one.out.count("\n") == 1


@pytest.mark.parametrize("level", ["none", "segment", "word", "token"])
def test_times_in_json_are_as_fine_as_asked(cli: Cli, clip: Path, level: str) -> None:
    ended = cli("transcribe", clip, "-f", "json", "--stdout", "--timestamps", level)
    [segment] = json.loads(ended.out)["segments"]
    assert (segment["start"] is not None) is (level != "none")
    assert (segment["words"] is not None) is (level in {"word", "token"})
    if segment["words"]:
        assert (segment["words"][0]["tokens"] is not None) is (level == "token")


def test_words_are_underlined_in_turn_when_asked(cli: Cli, clip: Path) -> None:
    out = cli("transcribe", clip, "-f", "srt", "--stdout", "--highlight-words").out
    assert out.count("<u>") > 5


def test_every_way_to_divide_and_compute_gives_the_words(cli: Cli, clip: Path) -> None:
    for flags in (
        ["--chunk-duration", "3", "--overlap-duration", "1"],
        ["--plan", "pauses"],
        ["--batch-size", "1", "--threads", "1", "--device", "cpu", "--int8"],
        ["--decoder", "soundfile", "--channel", "0"],
    ):
        ended = cli("transcribe", clip, *flags)
        assert ended.code == 0, ended.err
        assert right(ended.out)


def test_a_channel_that_is_not_there_fails_the_file(cli: Cli, clip: Path) -> None:
    ended = cli("transcribe", clip, "--channel", "7")
    assert ended.code in {2, 4}
    assert "channel" in ended.err


def test_results_exist_as_soon_as_their_source_is_done(
    cli: Cli, clips: list[Path], monkeypatch: pytest.MonkeyPatch
) -> None:
    seen: list[list[str]] = []
    monkeypatch.setattr(
        "eclectus.apps.cli.progress.Lines.finish",
        lambda _view, _index, _message: seen.append(below(Path())),
    )
    cli("transcribe", *clips, "-f", "txt", "--batch-size", "1")
    assert "garden.txt" in seen[0]
    assert "temper.txt" not in seen[0]


def test_watching_transcribes_what_is_there_and_goes_on(
    cli: Cli, clips: list[Path], monkeypatch: pytest.MonkeyPatch
) -> None:
    looks = 0

    def pause() -> None:
        nonlocal looks
        looks += 1
        if looks == 2:
            clips[0].with_name("late.flac").write_bytes(clips[0].read_bytes())
        if looks == 5:
            raise RuntimeError("enough")

    monkeypatch.setattr("eclectus.apps.cli.watch.pause", pause)
    ended = cli("transcribe", "--watch", clips[0].parent, "-o", "out", "--output-format", "txt")
    assert "enough" in ended.err
    assert below(Path("out")) == ["garden.txt", "late.txt", "temper.txt"]
    assert "3 files transcribed" in ended.err
    looks = 2
    ended = cli("transcribe", "--watch", clips[0].parent, "-o", "out", "--output-format", "txt")
    assert "3 skipped" in ended.err
