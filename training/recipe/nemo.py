"""Writes a checkpoint as a `.nemo` file, which NeMo restores; NeMo itself is not needed for it.

python -m recipe.nemo runs/small/last.pt small.nemo --tokenizer data/tokenizer.model
"""

import argparse
import io
import json
import tarfile
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from recipe.checkpoint import load_model
from recipe.config import ModelConfig
from recipe.features import FFT, HOP, SAMPLE_RATE, WINDOW, mel_filters
from recipe.model import POSITIONS, SUBSAMPLING, TdtModel
from recipe.search import MAX_SYMBOLS
from recipe.tokenizer import open_tokenizer

TARGET = "nemo.collections.asr.models.hybrid_rnnt_ctc_bpe_models.EncDecHybridRNNTCTCBPEModel"
MODULES = "nemo.collections.asr.modules"
PIECES, WORDS = "tokenizer.model", "vocab.txt"
SPACE = "▁"


def describe(config: ModelConfig) -> dict[str, Any]:
    """Returns NeMo's configuration of the model: a hybrid of TDT and CTC."""
    return {
        "target": TARGET,
        "sample_rate": SAMPLE_RATE,
        "compute_eval_loss": False,
        "tokenizer": {
            "dir": ".",
            "type": "bpe",
            "model_path": f"nemo:{PIECES}",
            "vocab_path": f"nemo:{WORDS}",
        },
        "preprocessor": _preprocessor(config),
        "encoder": _encoder(config),
        "train_ds": None,
        "validation_ds": None,
        "test_ds": None,
        **_transducer(config),
        "aux_ctc": _ctc(config),
    }


def _preprocessor(config: ModelConfig) -> dict[str, Any]:
    return {
        "_target_": f"{MODULES}.AudioToMelSpectrogramPreprocessor",
        "sample_rate": SAMPLE_RATE,
        "normalize": "per_feature",
        "window_size": WINDOW / SAMPLE_RATE,
        "window_stride": HOP / SAMPLE_RATE,
        "window": "hann",
        "features": config.mel_bins,
        "n_fft": FFT,
        "dither": 0.0,
        "pad_to": 0,
    }


def _encoder(config: ModelConfig) -> dict[str, Any]:
    return {
        "_target_": f"{MODULES}.ConformerEncoder",
        "feat_in": config.mel_bins,
        "feat_out": -1,
        "n_layers": config.layers,
        "d_model": config.width,
        "use_bias": True,
        "subsampling": "dw_striding",
        "subsampling_factor": SUBSAMPLING,
        "subsampling_conv_channels": config.channels,
        "causal_downsampling": False,
        "ff_expansion_factor": config.feed_forward,
        "self_attention_model": "rel_pos",
        "n_heads": config.heads,
        "att_context_size": [-1, -1],
        "att_context_style": "regular",
        "xscaling": False,
        "untie_biases": True,
        "pos_emb_max_len": POSITIONS,
        "conv_kernel_size": config.kernel,
        "conv_norm_type": "batch_norm",
        "conv_context_size": None,
        "dropout": config.dropout,
        "dropout_pre_encoder": config.dropout,
        "dropout_emb": 0.0,
        "dropout_att": config.dropout,
    }


def _transducer(config: ModelConfig) -> dict[str, Any]:
    durations = list(config.durations)
    tdt = {"durations": durations, "sigma": 0.02, "omega": 0.1, "fastemit_lambda": 0.0}
    return {
        "model_defaults": {
            "enc_hidden": config.width,
            "pred_hidden": config.predictor,
            "joint_hidden": config.joint,
            "tdt_durations": durations,
            "num_tdt_durations": len(durations),
        },
        "decoder": {
            "_target_": f"{MODULES}.RNNTDecoder",
            "normalization_mode": None,
            "random_state_sampling": False,
            "blank_as_pad": True,
            "prednet": {"pred_hidden": config.predictor, "pred_rnn_layers": 1, "dropout": 0.0},
        },
        "joint": {
            "_target_": f"{MODULES}.RNNTJoint",
            "log_softmax": None,
            "preserve_memory": False,
            "fuse_loss_wer": False,
            "num_extra_outputs": len(durations),
            # Without any dropout NeMo leaves a module out, and the names of the weights change.
            "jointnet": {"joint_hidden": config.joint, "activation": "relu", "dropout": 0.1},
        },
        "decoding": {
            "strategy": "greedy_batch",
            "model_type": "tdt",
            "durations": durations,
            "greedy": {"max_symbols": MAX_SYMBOLS},
        },
        "loss": {"loss_name": "tdt", "tdt_kwargs": tdt | {"clamp": -1.0}},
    }


def _ctc(config: ModelConfig) -> dict[str, Any]:
    return {
        "decoder": {
            "_target_": f"{MODULES}.ConvASRDecoder",
            "feat_in": config.width,
            "num_classes": -1,
            "vocabulary": [],
        },
        "decoding": {"strategy": "greedy_batch"},
        "ctc_loss_weight": 0.3,
        "use_cer": False,
    }


def weights(model: TdtModel) -> dict[str, Tensor]:
    """Returns what NeMo keeps: its front end's constants, no classifier of phones."""
    kept = {
        name: value.contiguous()
        for name, value in model.state_dict().items()
        if not name.startswith("phones.")
    }
    kept["preprocessor.featurizer.window"] = torch.hann_window(WINDOW, periodic=False)
    kept["preprocessor.featurizer.fb"] = torch.from_numpy(mel_filters(model.config.mel_bins))[None]
    return kept


def words(tokenizer: Path) -> str:
    """Returns the `vocab.txt` that NeMo keeps beside a SentencePiece model."""
    pieces = open_tokenizer(tokenizer)
    names = [pieces.id_to_piece(i) for i in range(pieces.get_piece_size())]
    lines = [n[1:] if n.startswith(SPACE) and len(n) > 1 else f"##{n}" for n in names]
    return "\n".join(lines) + "\n"


def write_nemo(model: TdtModel, tokenizer: Path, out: Path) -> None:
    """Writes the archive: configuration (JSON is YAML too), weights and tokenizer."""
    stored = io.BytesIO()
    torch.save(weights(model), stored)
    files = {
        "model_config.yaml": json.dumps(describe(model.config), indent=1).encode(),
        "model_weights.ckpt": stored.getvalue(),
        PIECES: tokenizer.read_bytes(),
        WORDS: words(tokenizer).encode(),
    }
    with tarfile.open(out, "w") as archive:
        for name, content in files.items():
            entry = tarfile.TarInfo(f"./{name}")
            entry.size = len(content)
            archive.addfile(entry, io.BytesIO(content))


def main() -> None:
    """Writes a checkpoint as a `.nemo` file."""
    parser = argparse.ArgumentParser(description=main.__doc__)
    parser.add_argument("checkpoint", type=Path)
    parser.add_argument("out", type=Path)
    parser.add_argument("--tokenizer", type=Path, required=True)
    parser.add_argument("--averaged", action="store_true", help="take the averaged weights")
    given = parser.parse_args()
    write_nemo(load_model(given.checkpoint, averaged=given.averaged), given.tokenizer, given.out)


if __name__ == "__main__":
    main()
