"""What a caller may choose. Every default of the product stands here, once.

Standard library only: the command line reads these without loading NumPy.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import StrEnum

from eclectus.core.errors import OptionError


class DecoderChoice(StrEnum):
    """Which program turns audio bytes into samples."""

    AUTO = "auto"
    SOUNDFILE = "soundfile"
    PYAV = "pyav"
    FFMPEG = "ffmpeg"


class Device(StrEnum):
    """Where the network is computed: ONNX Runtime's execution providers by their short names."""

    AUTO = "auto"
    CPU = "cpu"
    CUDA = "cuda"
    TENSORRT = "tensorrt"
    ROCM = "rocm"
    MIGRAPHX = "migraphx"
    COREML = "coreml"
    DIRECTML = "directml"
    OPENVINO = "openvino"


class Precision(StrEnum):
    """The form of the weights; `auto` takes fp32 if it is there, else what is."""

    AUTO = "auto"
    FP32 = "fp32"
    FP16 = "fp16"
    BF16 = "bf16"
    INT8 = "int8"


class ConfidenceMethod(StrEnum):
    """What a confidence means; see `eclectus.search.confidence`."""

    MAX_PROB = "max_prob"
    ENTROPY = "entropy"


class Aggregation(StrEnum):
    """How a word's confidence follows from its tokens'."""

    MEAN = "mean"
    MIN = "min"
    PRODUCT = "product"


class WindowPlan(StrEnum):
    """Where a long file is divided: at fixed steps, or in pauses of the speech."""

    FIXED = "fixed"
    PAUSES = "pauses"


class SpeechDetection(StrEnum):
    """What hears speech in a live stream: the level, or Silero's network; `auto` if installed."""

    AUTO = "auto"
    ENERGY = "energy"
    SILERO = "silero"


class OverwritePolicy(StrEnum):
    """What happens when an output file exists."""

    OVERWRITE = "overwrite"
    SKIP = "skip"
    FAIL = "fail"


class TimestampLevel(StrEnum):
    """The finest times that a result in JSON carries."""

    NONE = "none"
    SEGMENT = "segment"
    WORD = "word"
    TOKEN = "token"


@dataclass(frozen=True, slots=True, kw_only=True)
class AudioOptions:
    """How audio is read.

    Attributes:
        decoder: Which decoder; `auto` tries soundfile, then PyAV, then an ffmpeg process.
        channel: Index of the one channel to take; None mixes all down to one.
        max_duration_s: Audio longer than this is refused; None for no limit.
        max_expansion: Decoded seconds allowed per kilobyte of input, once ten minutes are
            decoded; a few kilobytes that become hours are a bomb. Speech has 1.5 at most,
            ordinary encoders' digital silence 43, a bomb hundreds. None for no limit.
    """

    decoder: DecoderChoice = DecoderChoice.AUTO
    channel: int | None = None
    max_duration_s: float | None = 86_400.0
    max_expansion: float | None = 50.0


@dataclass(frozen=True, slots=True, kw_only=True)
class BackendOptions:
    """How the network is computed.

    Attributes:
        device: The execution provider; `auto` takes the best one that is installed.
        precision: The form of the weights.
        threads: CPU threads in all; None for one per core that the process may use.
        fast_start: Leave out what makes loading slower and calls faster, where the model allows
            that; the command line does so for little audio.
    """

    device: Device = Device.AUTO
    precision: Precision = Precision.AUTO
    threads: int | None = None
    fast_start: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class GreedySearch:
    """Take the best label at each step.

    Attributes:
        max_symbols: Emissions allowed without an advance in time (NeMo's `max_symbols`).
    """

    max_symbols: int = 10


@dataclass(frozen=True, slots=True, kw_only=True)
class ConfidenceOptions:
    """What confidences mean.

    Attributes:
        method: For tokens.
        aggregation: From tokens to words.
    """

    method: ConfidenceMethod = ConfidenceMethod.MAX_PROB
    aggregation: Aggregation = Aggregation.MEAN


@dataclass(frozen=True, slots=True, kw_only=True)
class LongFormOptions:
    """How a file that is longer than one window is divided.

    Attributes:
        window_s: Length of a window in seconds.
        overlap_s: Seconds that neighbouring windows share (fixed plan).
        plan: Where to divide.
    """

    window_s: float = 60.0
    overlap_s: float = 6.0
    plan: WindowPlan = WindowPlan.FIXED


@dataclass(frozen=True, slots=True, kw_only=True)
class BatchOptions:
    """How windows are grouped.

    Attributes:
        size: Windows per batch at most.
        max_audio_s: Seconds of padded audio per batch at most; bounds the memory.
    """

    size: int = 16
    max_audio_s: float = 240.0


@dataclass(frozen=True, slots=True, kw_only=True)
class SegmentOptions:
    """Where a segment ends, besides at the end of a sentence.

    Attributes:
        max_words: Longest segment in words; None for no limit.
        max_characters: Longest segment in characters; None for no limit.
        max_duration_s: Longest segment in seconds; None for no limit.
        silence_gap_s: A pause of at least this long between two words ends a segment; None never.
    """

    max_words: int | None = None
    max_characters: int | None = None
    max_duration_s: float | None = 30.0
    silence_gap_s: float | None = 2.0


@dataclass(frozen=True, slots=True, kw_only=True)
class SubtitleOptions:
    """How SRT and VTT blocks are laid out.

    Attributes:
        max_line_characters: Longest line.
        max_lines: Lines per block.
        max_characters_per_s: Reading speed; a block is held longer to keep it, where there is room.
        min_duration_s: Shortest time that a block is shown, where there is room.
        max_duration_s: Longest block.
        highlight_words: One cue a word, the word underlined.
    """

    max_line_characters: int = 42
    max_lines: int = 2
    max_characters_per_s: float = 20.0
    min_duration_s: float = 0.8
    max_duration_s: float = 7.0
    highlight_words: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class OutputOptions:
    """Where results go.

    Attributes:
        formats: Names of formats, or `all`.
        directory: Folder of the results; None for the current one.
        template: Path below the folder without suffix; may hold `{parent}`, `{filename}`,
            `{index}`, `{date}` and `{model}`.
        overwrite: What happens when a file exists.
        timestamps: The finest times in JSON formats.
    """

    formats: tuple[str, ...] = ("txt",)
    directory: str | None = None
    template: str = "{filename}"
    overwrite: OverwritePolicy = OverwritePolicy.OVERWRITE
    timestamps: TimestampLevel = TimestampLevel.WORD


@dataclass(frozen=True, slots=True, kw_only=True)
class HubOptions:
    """Where models are fetched from and kept.

    Attributes:
        endpoint: Address of the hub or of a mirror of it; None for the client's default.
        cache_dir: Folder of the fetched models; None for the client's default.
        offline: Never use the network.
        token: Access token for private repositories.
    """

    endpoint: str | None = None
    cache_dir: str | None = None
    offline: bool = False
    token: str | None = field(default=None, repr=False)


@dataclass(frozen=True, slots=True, kw_only=True)
class LiveOptions:
    """How a live stream is divided, and what is shown of it.

    For each chunk the window [left | chunk | right] is encoded anew; the three are rounded to
    whole encoder frames (80 ms). A word is final at most chunk_s + right_s after it was spoken, or
    at the endpoint, if that comes first.

    Attributes:
        left_s: Audio of the past that the encoder sees.
        chunk_s: How much becomes final at a time.
        right_s: Audio of the future that final words wait for.
        emit_partial: Whether drafts are shown.
        partial_s: Audio between two drafts; the shortest, where computing one takes long. One more
            comes in the silence that may end an utterance.
        partial_share: How much of that time computing drafts may take: 0.3 of a second of audio
            is 0.3 s. Where one takes more, drafts come less often; under 1.
        draft_left_s: Audio of the past that the encoder sees for a draft between two chunks; never
            more than left_s.
        min_confidence: Words below are left out.
    """

    left_s: float = 10.0
    chunk_s: float = 2.0
    right_s: float = 2.0
    emit_partial: bool = True
    partial_s: float = 0.24
    partial_share: float = 0.3
    draft_left_s: float = 3.0
    min_confidence: float = 0.0


@dataclass(frozen=True, slots=True, kw_only=True)
class EndpointOptions:
    """Where an utterance of a live stream ends.

    Attributes:
        enabled: If not, the stream is one utterance from the first sample to the last.
        detector: What hears speech: `silero` is a network that tells speech from other sounds (the
            extra `vad`), `energy` looks at the level alone, `auto` takes the network where it is
            installed.
        threshold: How sure it must be, more than 0 and less than 1: the probability that `silero`
            asks for; for `energy`, 12 dB between 0 and 1. Lower hears softer speech, and more else.
        silence_s: This much silence after speech ends it.
        max_utterance_s: It ends after this long even without silence; None never.
        pre_roll_s: Audio before the detected start that belongs to it.
        tail_s: Audio after the detected end that belongs to it.
    """

    enabled: bool = True
    detector: SpeechDetection = SpeechDetection.AUTO
    threshold: float = 0.5
    silence_s: float = 0.8
    max_utterance_s: float | None = 60.0
    pre_roll_s: float = 0.6
    tail_s: float = 0.32

    def __post_init__(self) -> None:
        if not 0 < self.threshold < 1:
            raise OptionError(
                f"endpoint.threshold is {self.threshold:g}, but must be between 0 and 1",
                option="threshold",
                value=self.threshold,
            )


@dataclass(frozen=True, slots=True, kw_only=True)
class StreamOptions:
    """Everything that shapes the events of one live stream.

    Attributes:
        live: How the stream is divided, and what is shown of it.
        endpoint: Where utterances end.
        search: How tokens are chosen.
        confidence: What confidences mean.
        segments: Where segments end.
        language: ISO 639-1 code of the language that is spoken, if known: a hint.
        catch_up_s: Audio that waits is made final in chunks of up to this length: much less work
            than `live.chunk_s` at a time, but then words depend on the pieces in which the audio
            came. None: always `live.chunk_s`.
    """

    live: LiveOptions = LiveOptions()
    endpoint: EndpointOptions = EndpointOptions()
    search: GreedySearch = GreedySearch()
    confidence: ConfidenceOptions = ConfidenceOptions()
    segments: SegmentOptions = SegmentOptions()
    language: str | None = None
    catch_up_s: float | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class TranscribeOptions:
    """Everything that shapes the transcript of one file.

    Attributes:
        audio: How audio is read.
        search: How tokens are chosen.
        confidence: What confidences mean.
        long_form: How long files are divided.
        batch: How windows are grouped.
        segments: Where segments end.
        language: ISO 639-1 code of the language that is spoken, if known: a hint.
    """

    audio: AudioOptions = AudioOptions()
    search: GreedySearch = GreedySearch()
    confidence: ConfidenceOptions = ConfidenceOptions()
    long_form: LongFormOptions = LongFormOptions()
    batch: BatchOptions = BatchOptions()
    segments: SegmentOptions = SegmentOptions()
    language: str | None = None
