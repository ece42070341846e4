"""Sizes of the models that the benchmarks and the golden tests run on.

Standard library only, so that scripts outside NeMo's environment can read the table.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any

STANDARD_DURATIONS = (0, 1, 2, 3, 4)
POWERS = (0, 1, 2, 4, 8)


@dataclass(frozen=True, kw_only=True)
class Shape:
    """What a model is made of.

    Attributes:
        name: Folder name.
        head: tdt, rnnt, ctc, or hybrid (TDT with an auxiliary CTC head).
        layers: Conformer blocks.
        width: D, encoder width.
        heads: Attention heads.
        mel_bins: M.
        subsampling_channels: Channels of the first convolutions.
        predictor_width: H, also the joint's width.
        predictor_layers: L.
        durations: Table of TDT durations, empty for RNN-T and CTC.
        vocabulary_size: V, pieces of the tokenizer that is trained for it.
        use_bias: Biases in the linear and convolution layers.
        xscaling: Multiply the encoder's input by the square root of its width.
        positions: Frames that the positional table holds.
        blank_share: Share of the calibration's joint cells in which blank wins.
        zero_bias: Added to the logit of the first duration; high enough, the cap on emissions
            without an advance is reached.
        predictor_spread: Deviation of the predictor's share of the joint's input (the encoder's
            is 1); too small, an RNN-T says nothing or runs to the cap at every frame.
        tokens_per_frame: If given, blank is then moved until the search of the calibration clip
            emits this many; else what the share gives (an RNN-T then reaches the cap often).
    """

    name: str
    head: str = "tdt"
    layers: int = 4
    width: int = 176
    heads: int = 4
    mel_bins: int = 80
    subsampling_channels: int = 64
    predictor_width: int = 64
    predictor_layers: int = 1
    durations: tuple[int, ...] = STANDARD_DURATIONS
    vocabulary_size: int = 256
    use_bias: bool = False
    xscaling: bool = False
    positions: int = 5000
    blank_share: float = 0.55
    zero_bias: float = -2.5
    predictor_spread: float = 0.7
    tokens_per_frame: float | None = None

    @property
    def has_durations(self) -> bool:
        """True for a TDT head."""
        return self.head in ("tdt", "hybrid")


_GOLDEN = Shape(
    name="golden",
    layers=1,
    width=16,
    heads=2,
    subsampling_channels=8,
    predictor_width=16,
    vocabulary_size=80,
    use_bias=True,
    positions=128,
)

SHAPES: dict[str, Shape] = {
    shape.name: shape
    for shape in (
        Shape(name="small-tdt-128", mel_bins=128, predictor_layers=2),
        Shape(name="small-tdt-80-powers", durations=POWERS, use_bias=True, xscaling=True),
        Shape(name="small-tdt-80-zeros", zero_bias=4.0, blank_share=0.4),
        Shape(name="small-rnnt-80", head="rnnt", durations=(), use_bias=True),
        Shape(
            name="small-rnnt-128",
            head="rnnt",
            durations=(),
            mel_bins=128,
            predictor_layers=2,
            predictor_spread=2.5,
            tokens_per_frame=0.3,
        ),
        Shape(name="small-ctc-80", head="ctc", durations=(), use_bias=True),
        Shape(name="small-ctc-128", head="ctc", durations=(), mel_bins=128),
        Shape(name="small-hybrid-80", head="hybrid", use_bias=True, xscaling=True),
        Shape(
            name="parakeet-0.6b-random",
            layers=24,
            width=1024,
            heads=8,
            mel_bins=128,
            subsampling_channels=256,
            predictor_width=640,
            predictor_layers=2,
            vocabulary_size=8192,
            tokens_per_frame=0.27,
        ),
        replace(_GOLDEN, name="golden-tdt", zero_bias=1.0, tokens_per_frame=0.5),
        replace(_GOLDEN, name="golden-tdt-powers", durations=POWERS, tokens_per_frame=0.4),
        replace(
            _GOLDEN,
            name="golden-rnnt",
            head="rnnt",
            durations=(),
            predictor_spread=2.5,
            tokens_per_frame=0.8,
        ),
        replace(_GOLDEN, name="golden-ctc", head="ctc", durations=()),
    )
}


def nemo_config(shape: Shape, tokenizer_dir: str) -> dict[str, Any]:
    """Return NeMo's configuration for a shape, as its own recipes write it."""
    config: dict[str, Any] = {
        "sample_rate": 16_000,
        "compute_eval_loss": False,
        "log_prediction": False,
        "skip_nan_grad": False,
        "tokenizer": {"dir": tokenizer_dir, "type": "bpe"},
        "preprocessor": _preprocessor(shape),
        "encoder": _encoder(shape),
        "optim": {"name": "adamw", "lr": 1e-4},
        "train_ds": None,
        "validation_ds": None,
        "test_ds": None,
    }
    if shape.head == "ctc":
        return config | _ctc_parts(shape)
    config |= _transducer_parts(shape)
    if shape.head == "hybrid":
        config["aux_ctc"] = _ctc_parts(shape) | {"ctc_loss_weight": 0.3, "use_cer": False}
    return config


def _preprocessor(shape: Shape) -> dict[str, Any]:
    return {
        "_target_": "nemo.collections.asr.modules.AudioToMelSpectrogramPreprocessor",
        "sample_rate": 16_000,
        "normalize": "per_feature",
        "window_size": 0.025,
        "window_stride": 0.01,
        "window": "hann",
        "features": shape.mel_bins,
        "n_fft": 512,
        "frame_splicing": 1,
        "dither": 1e-5,
        "pad_to": 0,
        "pad_value": 0.0,
    }


def _encoder(shape: Shape) -> dict[str, Any]:
    return {
        "_target_": "nemo.collections.asr.modules.ConformerEncoder",
        "feat_in": shape.mel_bins,
        "feat_out": -1,
        "n_layers": shape.layers,
        "d_model": shape.width,
        "use_bias": shape.use_bias,
        "subsampling": "dw_striding",
        "subsampling_factor": 8,
        "subsampling_conv_channels": shape.subsampling_channels,
        "causal_downsampling": False,
        "ff_expansion_factor": 4,
        "self_attention_model": "rel_pos",
        "n_heads": shape.heads,
        "att_context_size": [-1, -1],
        "att_context_style": "regular",
        "xscaling": shape.xscaling,
        "untie_biases": True,
        "pos_emb_max_len": shape.positions,
        "conv_kernel_size": 9,
        "conv_norm_type": "batch_norm",
        "conv_context_size": None,
        "dropout": 0.1,
        "dropout_pre_encoder": 0.1,
        "dropout_emb": 0.0,
        "dropout_att": 0.1,
    }


def _transducer_parts(shape: Shape) -> dict[str, Any]:
    width, durations = shape.predictor_width, list(shape.durations)
    joint: dict[str, Any] = {
        "_target_": "nemo.collections.asr.modules.RNNTJoint",
        "log_softmax": None,
        "preserve_memory": False,
        "fuse_loss_wer": False,
        "fused_batch_size": 4,
        "jointnet": {"joint_hidden": width, "activation": "relu", "dropout": 0.2},
    }
    decoding: dict[str, Any] = {"strategy": "greedy_batch", "greedy": {"max_symbols": 10}}
    loss: dict[str, Any] = {"loss_name": "default"}
    if shape.has_durations:
        joint["num_extra_outputs"] = len(durations)
        decoding |= {"model_type": "tdt", "durations": durations}
        tdt = {"fastemit_lambda": 0.0, "clamp": -1.0, "sigma": 0.02, "omega": 0.1}
        loss = {"loss_name": "tdt", "tdt_kwargs": tdt | {"durations": durations}}
    predictor = {
        "pred_hidden": width,
        "pred_rnn_layers": shape.predictor_layers,
        "t_max": None,
        "dropout": 0.2,
    }
    return {
        "rnnt_reduction": "mean_volume",
        "model_defaults": {
            "enc_hidden": shape.width,
            "pred_hidden": width,
            "joint_hidden": width,
            "tdt_durations": durations,
            "num_tdt_durations": len(durations),
        },
        "decoder": {
            "_target_": "nemo.collections.asr.modules.RNNTDecoder",
            "normalization_mode": None,
            "random_state_sampling": False,
            "blank_as_pad": True,
            "prednet": predictor,
        },
        "joint": joint,
        "decoding": decoding,
        "loss": loss,
    }


def _ctc_parts(shape: Shape) -> dict[str, Any]:
    return {
        "ctc_reduction": "mean_batch",
        "decoder": {
            "_target_": "nemo.collections.asr.modules.ConvASRDecoder",
            "feat_in": shape.width,
            "num_classes": -1,
            "vocabulary": [],
        },
        "decoding": {"strategy": "greedy_batch"},
    }
