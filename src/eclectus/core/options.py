"""What a caller may choose. Every default of the product stands here, once.

Each option is one line: default, meaning, bounds, unit, flag (see `eclectus.core.option_spec`). The
reference of settings lists them all. Standard library only: the command line reads these without
loading NumPy.
"""

from __future__ import annotations

from dataclasses import dataclass

from eclectus.core.choices import (
    Aggregation,
    ConfidenceMethod,
    DecoderChoice,
    Device,
    OverwritePolicy,
    Precision,
    SpeechDetection,
    TimestampLevel,
    WindowPlan,
)
from eclectus.core.errors import OptionError
from eclectus.core.option_spec import Options, option, section


@dataclass(frozen=True, slots=True, kw_only=True)
class AudioOptions(Options):
    """How audio is read."""

    decoder: DecoderChoice = option(
        DecoderChoice.AUTO,
        "What reads audio. `auto` tries soundfile, then PyAV, then an ffmpeg process.",
        flag="--decoder",
    )
    channel: int | None = option(
        None,
        "Take one channel, counted from 0, not the mix of all. None for the mix.",
        least=0,
        most=63,
        flag="--channel",
    )
    max_duration_s: float | None = option(
        86_400.0, "Audio longer than this is refused; none for no limit.", unit="s"
    )
    max_expansion: float | None = option(
        50.0,
        "Decoded seconds allowed per kilobyte of input, once ten minutes are decoded; a few "
        "kilobytes that become hours are a bomb. Speech has 1.5 at most, ordinary encoders' "
        "digital silence 43, a bomb hundreds. None for no limit.",
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class BackendOptions(Options):
    """How the network is computed."""

    device: Device = option(
        Device.AUTO,
        "Where to compute. `auto` takes the best execution provider that is installed.",
        flag="--device",
    )
    precision: Precision = option(
        Precision.AUTO, "The form of the weights; `auto` takes fp32 if it is there, else what is."
    )
    threads: int | None = option(
        None,
        "CPU threads in all. None for one per core that the process may use.",
        least=1,
        most=512,
        flag="--threads",
    )
    fast_start: bool = option(
        False,
        "Leave out what makes loading slower and calls faster, where the model allows that; the "
        "command line does so for little audio.",
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class GreedySearch(Options):
    """Take the best label at each step."""

    max_symbols: int = option(
        10,
        "Emissions allowed without an advance in time (NeMo's `max_symbols`).",
        least=1,
        most=1000,
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class ConfidenceOptions(Options):
    """What confidences mean."""

    method: ConfidenceMethod = option(
        ConfidenceMethod.MAX_PROB, "What the confidence of a token is."
    )
    aggregation: Aggregation = option(
        Aggregation.MEAN, "How a word's confidence follows from its tokens'."
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class LongFormOptions(Options):
    """How a file that is longer than one window is divided.

    What is not given follows from the rest: a window alone has a fitting overlap.
    """

    window_s: float | None = option(
        None,
        "Length of the windows of a long file; 0 for the whole file at once. None for 60, or what "
        "the model takes.",
        least=0,
        unit="s",
        flag="--chunk-duration",
    )
    overlap_s: float | None = option(
        None,
        "What neighbouring windows share. None for a tenth of the window, from 2 to 6, but never "
        "more than a quarter.",
        least=0,
        unit="s",
        flag="--overlap-duration",
    )
    plan: WindowPlan = option(
        WindowPlan.FIXED,
        "Where windows end. `fixed`: after their length; `pauses`: in pauses of the speech.",
        flag="--plan",
    )

    def check(self) -> None:
        """Refuse an overlap of more than half of the window.

        Raises:
            OptionError: Both are given, and it is.
        """
        if self.window_s and self.overlap_s is not None and 2 * self.overlap_s > self.window_s:
            raise OptionError(
                f"an overlap of {self.overlap_s:g} s is more than half of the window of "
                f"{self.window_s:g} s; leave the overlap out, or choose one of at most "
                f"{self.window_s / 2:g} s",
                options=("overlap_s", "window_s"),
            )


@dataclass(frozen=True, slots=True, kw_only=True)
class BatchOptions(Options):
    """How windows are grouped."""

    size: int = option(
        16, "Windows computed at once, at most.", least=1, most=4096, flag="--batch-size"
    )
    max_audio_s: float = option(
        240.0,
        "Seconds of padded audio per batch at most; bounds the memory. One window always may.",
        unit="s",
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class SegmentOptions(Options):
    """Where a segment ends, besides at the end of a sentence."""

    max_words: int | None = option(
        None, "Longest segment in words; none for no limit.", least=1, flag="--max-words"
    )
    max_characters: int | None = option(
        None, "Longest segment in characters; none for no limit.", least=1, flag="--max-characters"
    )
    max_duration_s: float | None = option(
        30.0, "Longest segment in seconds; none for no limit.", unit="s", flag="--max-duration"
    )
    silence_gap_s: float | None = option(
        2.0,
        "A pause of this length between two words ends a segment; none never. 0 ends one after "
        "every word.",
        least=0,
        unit="s",
        flag="--silence-gap",
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class SubtitleOptions(Options):
    """How SRT and VTT blocks are laid out."""

    max_line_characters: int = option(42, "Longest line.", least=1)
    max_lines: int = option(2, "Lines per block.", least=1)
    max_characters_per_s: float = option(
        20.0, "Reading speed; a block is held longer to keep it, where there is room."
    )
    min_duration_s: float = option(
        0.8, "Shortest time that a block is shown, where there is room.", least=0, unit="s"
    )
    max_duration_s: float = option(7.0, "Longest block.", unit="s")
    highlight_words: bool = option(
        False,
        "Underline each word of SRT and VTT as it is spoken. One cue a word.",
        flag="--highlight-words/--no-highlight-words",
    )

    def check(self) -> None:
        """Refuse a shortest time over the longest.

        Raises:
            OptionError: It is.
        """
        if self.min_duration_s > self.max_duration_s:
            raise OptionError(
                f"the shortest block ({self.min_duration_s:g} s) can't be longer than the "
                f"longest ({self.max_duration_s:g} s)",
                options=("min_duration_s", "max_duration_s"),
            )


@dataclass(frozen=True, slots=True, kw_only=True)
class OutputOptions(Options):
    """Where results go."""

    formats: tuple[str, ...] = option(
        ("txt",),
        "Names of formats, with commas or by repetition, or `all`.",
        flag="--output-format/-f",
    )
    directory: str | None = option(
        None,
        "Write files to this folder; none for the current one.",
        path=True,
        flag="--output-dir/-o",
    )
    template: str = option(
        "{filename}",
        "Names of the files without suffix, of {parent}, {filename}, {index}, {date} and {model}.",
        flag="--output-template",
    )
    overwrite: OverwritePolicy = option(
        OverwritePolicy.OVERWRITE,
        "What happens if a file exists.",
        flag="--overwrite",
        metavar="POLICY",
    )
    timestamps: TimestampLevel = option(
        TimestampLevel.WORD,
        "The finest times in JSON formats.",
        flag="--timestamps",
        metavar="LEVEL",
    )
    escape_formulas: bool = option(
        False,
        "In csv and tsv, write an apostrophe before a text that a spreadsheet takes for a formula.",
        flag="--escape-formulas/--no-escape-formulas",
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class HubOptions(Options):
    """Where models are fetched from and kept."""

    endpoint: str | None = option(
        None,
        "Address of the hub or of a mirror of it. None for the client's default.",
        flag="--endpoint",
        metavar="URL",
    )
    cache_dir: str | None = option(
        None,
        "Folder of the fetched models. None for the client's default.",
        path=True,
        flag="--cache-dir",
    )
    offline: bool = option(False, "Never use the network.", flag="--offline")
    token: str | None = option(None, "Access token for private repositories.", secret=True)


@dataclass(frozen=True, slots=True, kw_only=True)
class LiveOptions(Options):
    """How a live stream is divided, and what is shown of it.

    For each chunk the window [left | chunk | right] is encoded anew; the three are rounded to
    whole encoder frames (80 ms), a chunk to one at least. A word is final at most chunk_s + right_s
    after it was spoken, or at the endpoint, if that comes first.
    """

    left_s: float = option(
        10.0, "Audio of the past that the encoder sees.", least=0, unit="s", flag="--left"
    )
    chunk_s: float = option(2.0, "How much becomes final at a time.", unit="s", flag="--chunk")
    right_s: float = option(
        2.0, "Audio of the future that final words wait for.", least=0, unit="s", flag="--right"
    )
    emit_partial: bool = option(
        True, "Show drafts, or final words only.", flag="--partials/--no-partials"
    )
    partial_s: float = option(
        0.24,
        "Audio between two drafts; the shortest, where computing one takes long. One more comes in "
        "the silence that may end an utterance.",
        unit="s",
    )
    partial_share: float = option(
        0.3,
        "How much of that time computing drafts may take: 0.3 of a second of audio is 0.3 s. Where "
        "one takes more, drafts come less often.",
        above=0,
        below=1,
    )
    draft_left_s: float = option(
        3.0,
        "Audio of the past that the encoder sees for a draft between two chunks; never more than "
        "left_s.",
        least=0,
        unit="s",
    )
    min_confidence: float = option(
        0.0, "Leave out words below this confidence.", least=0, most=1, flag="--min-confidence"
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class EndpointOptions(Options):
    """Where an utterance of a live stream ends."""

    enabled: bool = option(
        True,
        "Divide the stream into utterances, or not. Then it is one from first to last sample.",
        flag="--endpoints/--no-endpoints",
    )
    detector: SpeechDetection = option(
        SpeechDetection.AUTO,
        "What detects speech. `silero` is a network that tells speech from other sounds (the extra "
        "`vad`); `energy` measures the level alone; `auto` takes the network if it is installed.",
        flag="--speech-detector",
    )
    threshold: float = option(
        0.5,
        "How sure it must be; lower hears softer speech, and more else. The probability that "
        "`silero` asks for; for `energy`, 12 dB between 0 and 1.",
        above=0,
        below=1,
        flag="--speech-threshold",
    )
    silence_s: float = option(
        0.8,
        "This much silence after speech ends an utterance.",
        unit="s",
        flag="--endpoint-silence",
    )
    max_utterance_s: float | None = option(
        60.0, "An utterance ends after this long even without silence; none never.", unit="s"
    )
    pre_roll_s: float = option(
        0.6, "Audio before the detected start that belongs to an utterance.", least=0, unit="s"
    )
    tail_s: float = option(
        0.32, "Audio after the detected end that belongs to an utterance.", least=0, unit="s"
    )


_LANGUAGE_HELP = "The language that is spoken, if known: an ISO 639-1 code, a hint."


@dataclass(frozen=True, slots=True, kw_only=True)
class StreamOptions(Options):
    """Everything that shapes the events of one live stream."""

    live: LiveOptions = section(
        LiveOptions(), "How the stream is divided, and what is shown of it."
    )
    endpoint: EndpointOptions = section(EndpointOptions(), "Where utterances end.")
    search: GreedySearch = section(GreedySearch(), "How tokens are chosen.")
    confidence: ConfidenceOptions = section(ConfidenceOptions(), "What confidences mean.")
    segments: SegmentOptions = section(SegmentOptions(), "Where segments end.")
    language: str | None = option(None, _LANGUAGE_HELP)
    catch_up_s: float | None = option(
        None,
        "Audio that waits is made final in chunks of up to this length: much less work than "
        "`live.chunk_s` at a time, but then words depend on the pieces in which the audio came. "
        "None: always `live.chunk_s`.",
        unit="s",
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class TranscribeOptions(Options):
    """Everything that shapes the transcript of one file."""

    audio: AudioOptions = section(AudioOptions(), "How audio is read.")
    search: GreedySearch = section(GreedySearch(), "How tokens are chosen.")
    confidence: ConfidenceOptions = section(ConfidenceOptions(), "What confidences mean.")
    long_form: LongFormOptions = section(LongFormOptions(), "How long files are divided.")
    batch: BatchOptions = section(BatchOptions(), "How windows are grouped.")
    segments: SegmentOptions = section(SegmentOptions(), "Where segments end.")
    language: str | None = option(None, _LANGUAGE_HELP)
