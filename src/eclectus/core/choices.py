"""The names that an option may have where it is one of a few."""

from __future__ import annotations

from enum import StrEnum


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
    """What a confidence means; see `eclectus.text.confidence`."""

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
    """What detects speech in a live stream: Silero's network or the level; `auto`: the network."""

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
