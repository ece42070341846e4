"""Every layout in which Parakeet models are published, written from a NeMo model."""

from __future__ import annotations

import json
import tempfile
from pathlib import Path
from typing import Any

import onnx
import torch
from omegaconf import OmegaConf
from onnxruntime.quantization import QuantType, quantize_dynamic
from safetensors.torch import save_file

from benchmarks.synthetic.shapes import Shape

_FRAME_S = 0.08
_SINGLE_FILE_LIMIT = 1_900_000_000  # protobuf ends at 2 GiB
_TARGETS = {
    "tdt": "nemo.collections.asr.models.rnnt_bpe_models.EncDecRNNTBPEModel",
    "rnnt": "nemo.collections.asr.models.rnnt_bpe_models.EncDecRNNTBPEModel",
    "ctc": "nemo.collections.asr.models.ctc_bpe_models.EncDecCTCModelBPE",
    "hybrid": "nemo.collections.asr.models.hybrid_rnnt_ctc_bpe_models.EncDecHybridRNNTCTCBPEModel",
}


def write_onnx(model: torch.nn.Module, shape: Shape, folder: Path, head: str) -> None:
    """Write the istupakov layout, fp32.

    Args:
        model: NeMo's model.
        shape: Its facts.
        folder: Where to; made if missing.
        head: tdt, rnnt or ctc; of a hybrid model either.
    """
    folder.mkdir(parents=True, exist_ok=True)
    if shape.head == "hybrid":
        model.set_export_config({"decoder_type": "ctc" if head == "ctc" else "rnnt"})
    with tempfile.TemporaryDirectory(dir=folder) as scratch:
        model.export(str(Path(scratch, "model.onnx")))
        for path in sorted(Path(scratch).glob("*.onnx")):
            save_onnx(onnx.load(str(path)), folder / path.name)
    _write_vocabulary(model, folder / "vocab.txt")
    card: dict[str, Any] = {
        "model_type": f"nemo-conformer-{head}",
        "features_size": shape.mel_bins,
        "subsampling_factor": 8,
        "max_window_s": shape.positions * _FRAME_S,
    }
    if head == "tdt":
        card["durations"] = list(shape.durations)
    (folder / "config.json").write_text(json.dumps(card) + "\n", encoding="utf-8")


def save_onnx(graph: onnx.ModelProto, path: Path) -> None:
    """Save a graph, with one external data file where protobuf's limit asks for it."""
    data = path.with_name(path.name + ".data")
    data.unlink(missing_ok=True)
    if sum(len(tensor.raw_data) for tensor in graph.graph.initializer) < _SINGLE_FILE_LIMIT:
        onnx.save(graph, str(path))
        return
    onnx.save(
        graph,
        str(path),
        save_as_external_data=True,
        all_tensors_to_one_file=True,
        location=data.name,
        size_threshold=1024,
    )


def quantize(folder: Path) -> None:
    """Add the `.int8.onnx` files in the published form: dynamic, every operator.

    The encoder's (or CTC model's) weights become uint8, the predictor's and joint's int8.
    """
    for path in sorted(folder.glob("*.onnx")):
        if ".int8." in path.name:
            continue
        is_decoder = path.name.startswith(("decoder", "joiner"))
        kind = QuantType.QInt8 if is_decoder else QuantType.QUInt8
        quantize_dynamic(str(path), str(path.with_suffix(".int8.onnx")), weight_type=kind)


def write_sherpa(model: torch.nn.Module, shape: Shape, source: Path, folder: Path) -> None:
    """Write the sherpa-onnx layout: a triple for transducers, one `model.onnx` for CTC.

    Args:
        model: NeMo's model.
        shape: Its facts.
        source: The istupakov layout of the same model; its encoder is taken over.
        folder: Where to; made if missing.
    """
    folder.mkdir(parents=True, exist_ok=True)
    names = {"encoder-model": "encoder", "model": "model"}
    for stem, new in names.items():
        for suffix in (".onnx", ".int8.onnx"):
            if (source / (stem + suffix)).exists():
                _copy_with_facts(source / (stem + suffix), folder / (new + suffix), model, shape)
    if shape.head != "ctc":
        model.decoder.export(str(folder / "decoder.onnx"))
        model.joint.export(str(folder / "joiner.onnx"))
        for name in ("decoder", "joiner"):
            path = folder / f"{name}.onnx"
            quantize_dynamic(str(path), str(path.with_suffix(".int8.onnx")))
    _write_vocabulary(model, folder / "tokens.txt")


def _copy_with_facts(source: Path, target: Path, model: torch.nn.Module, shape: Shape) -> None:
    graph = onnx.load(str(source), load_external_data=False)
    del graph.metadata_props[:]
    for key, value in _sherpa_facts(model, shape).items():
        graph.metadata_props.add(key=key, value=str(value))
    onnx.save(graph, str(target))
    data = source.with_name(source.name + ".data")
    if data.exists():
        link = target.with_name(data.name)
        link.unlink(missing_ok=True)
        link.hardlink_to(data)


def _sherpa_facts(model: torch.nn.Module, shape: Shape) -> dict[str, Any]:
    """Return sherpa-onnx's metadata; it knows a TDT model by the letters in the address."""
    facts: dict[str, Any] = {
        "vocab_size": len(_pieces(model)),
        "normalize_type": "per_feature",
        "subsampling_factor": 8,
        "model_type": _TARGETS[shape.head].rsplit(".", 1)[1],
        "version": "2",
        "model_author": "NeMo",
        "url": f"https://example.org/random-{'tdt' if shape.has_durations else shape.head}",
        "comment": "random weights",
        "feat_dim": shape.mel_bins,
    }
    if shape.head == "ctc":
        return facts
    return facts | {
        "pred_rnn_layers": shape.predictor_layers,
        "pred_hidden": shape.predictor_width,
    }


def write_tensors(model: torch.nn.Module, shape: Shape, folder: Path) -> None:
    """Write NeMo's tensors and configuration for readers of safetensors, and parakeet-mlx's form.

    `nemo/` has NeMo's names (nano-parakeet maps them itself); `mlx/` has the axes and names of
    `parakeet_mlx.from_pretrained`.
    """
    tensors = {
        name: value.clone().contiguous()
        for name, value in model.state_dict().items()
        if "num_batches" not in name
    }
    config = OmegaConf.to_container(model.cfg, resolve=True)
    config["target"] = _TARGETS[shape.head]
    for name, content in (("nemo", tensors), ("mlx", _mlx_tensors(tensors))):
        part = folder / name
        part.mkdir(parents=True, exist_ok=True)
        save_file(content, str(part / "model.safetensors"))
        (part / "config.json").write_text(json.dumps(config, indent=1, default=str))


def _mlx_tensors(tensors: dict[str, torch.Tensor]) -> dict[str, torch.Tensor]:
    """Channels last for convolutions, and one bias and MLX's names for the LSTM."""
    out: dict[str, torch.Tensor] = {}
    for name, value in tensors.items():
        if name.startswith("preprocessor"):
            continue
        if "lstm." in name:
            prefix, rest = name.split("lstm.")
            kind, layer = rest.rsplit("_l", 1)
            target = {"weight_ih": "Wx", "weight_hh": "Wh", "bias_ih": "bias"}.get(kind)
            if target is None:
                continue
            if kind == "bias_ih":
                value = value + tensors[name.replace("bias_ih", "bias_hh")]
            name = f"{prefix}lstm.{layer}.{target}"
        elif value.ndim in (3, 4) and name.endswith("weight"):
            value = value.movedim(1, -1)
        out[name] = value.contiguous()
    return out


def _pieces(model: torch.nn.Module) -> list[str]:
    return list(model.tokenizer.vocab)


def _write_vocabulary(model: torch.nn.Module, path: Path) -> None:
    lines = [f"{piece} {i}" for i, piece in enumerate([*_pieces(model), "<blk>"])]
    path.write_text("\n".join(lines) + "\n", encoding="utf-8")
