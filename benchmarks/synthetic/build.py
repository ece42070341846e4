"""Random-weight models, calibrated to emit tokens and blanks in natural shares.

A freshly initialised network says the same token at every frame, or nothing: useless for
comparing searches and for timing them. Three measures make it lively: every layer's scale and
shift is drawn at random, the projections into the joint are centred and scaled on a clip, and
the biases of blank and of the durations are set from the quantiles of that clip's own logits.
"""

from __future__ import annotations

from pathlib import Path

import nemo.collections.asr as nemo_asr
import sentencepiece
import torch
from omegaconf import OmegaConf

from benchmarks.synthetic.shapes import Shape, nemo_config

_CLASSES = {
    "tdt": nemo_asr.models.EncDecRNNTBPEModel,
    "rnnt": nemo_asr.models.EncDecRNNTBPEModel,
    "ctc": nemo_asr.models.EncDecCTCModelBPE,
    "hybrid": nemo_asr.models.EncDecHybridRNNTCTCBPEModel,
}


def build(
    shape: Shape, tokenizer_dir: Path, clip: torch.Tensor, seed: int = 1234
) -> torch.nn.Module:
    """Make a calibrated model.

    Args:
        shape: Its size.
        tokenizer_dir: From `lay_out_tokenizer`; must live until the model is saved.
        clip: (N,) 16 kHz samples to calibrate on, 5 s or more.
        seed: Of everything random.
    """
    torch.manual_seed(seed)
    model = instantiate(shape, tokenizer_dir)
    generator = torch.Generator().manual_seed(seed + 1)
    with torch.no_grad():
        _scramble(model, generator)
        encoded = _calibrate_encoder(model, clip)
        if shape.head != "ctc":
            _calibrate_joint(model, encoded, shape, generator)
            if shape.tokens_per_frame is not None:
                _tune_blank(model, encoded, shape.tokens_per_frame)
        if shape.head in ("ctc", "hybrid"):
            _calibrate_ctc(model, encoded, shape)
    return model


def instantiate(shape: Shape, tokenizer_dir: Path) -> torch.nn.Module:
    """Build NeMo's model class for a shape, in evaluation mode with dither off."""
    config = OmegaConf.create(nemo_config(shape, str(tokenizer_dir)))
    model = _CLASSES[shape.head](cfg=config)
    quiet(model)
    return model


def quiet(model: torch.nn.Module) -> None:
    """Take everything random out of inference; NeMo's own `transcribe` puts it back."""
    model.eval()
    model.preprocessor.featurizer.dither = 0.0
    model.preprocessor.featurizer.pad_to = 0


def train_tokenizer(corpus: Path, size: int, out: Path) -> Path:
    """Train a small BPE tokenizer on a text file; returns the model file."""
    sentencepiece.SentencePieceTrainer.train(
        input=str(corpus),
        model_prefix=str(out / "tokenizer"),
        vocab_size=size,
        model_type="bpe",
        character_coverage=1.0,
        bos_id=-1,
        eos_id=-1,
        pad_id=-1,
        minloglevel=2,
    )
    return out / "tokenizer.model"


def lay_out_tokenizer(source: Path, folder: Path) -> Path:
    """Write tokenizer.model and the vocab.txt that NeMo wants beside it; return the folder."""
    folder.mkdir(parents=True, exist_ok=True)
    processor = sentencepiece.SentencePieceProcessor(model_file=str(source))
    pieces = [processor.id_to_piece(i) for i in range(processor.get_piece_size())]
    (folder / "tokenizer.model").write_bytes(source.read_bytes())
    lines = [p[1:] if p.startswith("▁") and len(p) > 1 else "##" + p for p in pieces]
    (folder / "vocab.txt").write_text("\n".join(lines) + "\n", encoding="utf-8")
    return folder


def _scramble(model: torch.nn.Module, generator: torch.Generator) -> None:
    def noise(like: torch.Tensor) -> torch.Tensor:
        return torch.randn(like.shape, generator=generator)

    for name, parameter in model.named_parameters():
        if "pos_bias" in name:
            parameter.copy_(0.3 * noise(parameter))
        elif "batch_norm" in name or "norm_" in name:
            is_scale = name.endswith("weight")
            parameter.copy_(1 + 0.2 * noise(parameter) if is_scale else 0.1 * noise(parameter))
        elif name.endswith("bias") and "encoder.layers" in name:
            parameter.copy_(0.05 * noise(parameter))
    for name, buffer in model.named_buffers():
        if name.endswith("running_mean"):
            buffer.copy_(0.05 * noise(buffer))
        if name.endswith("running_var"):
            buffer.copy_(0.05 + 0.5 * torch.rand(buffer.shape, generator=generator))


def _calibrate_encoder(model: torch.nn.Module, clip: torch.Tensor) -> torch.Tensor:
    """Make what enters the layers vary over time with unit deviation; return (S, D) outputs."""
    length = torch.tensor([clip.shape[0]])
    features, lengths = model.preprocessor(input_signal=clip[None], length=length)
    first, _ = model.encoder.pre_encode(x=features.transpose(1, 2), lengths=lengths)
    mean = first[0].mean(0)
    deviation = (first[0] - mean).std()
    out = model.encoder.pre_encode.out
    out.bias.copy_((out.bias - mean) / deviation)
    out.weight.div_(deviation)
    encoded, encoded_lengths = model.encoder(audio_signal=features, length=lengths)
    return encoded[0, :, : int(encoded_lengths[0])].T


def _centre(linear: torch.nn.Module, inputs: torch.Tensor, deviation: float) -> None:
    """Give a linear layer zero-mean outputs of the given deviation over (n, width) inputs."""
    mean = inputs.mean(0)
    outputs = (inputs - mean) @ linear.weight.T
    linear.weight.mul_(deviation / outputs.std())
    linear.bias.copy_(-(linear.weight @ mean))


def _calibrate_joint(
    model: torch.nn.Module, encoded: torch.Tensor, shape: Shape, generator: torch.Generator
) -> None:
    vocabulary = model.joint.num_classes_with_blank - 1 - len(shape.durations)
    targets = torch.randint(0, vocabulary, (1, 200), generator=generator)
    predicted = model.decoder(targets=targets, target_length=torch.tensor([200]))[0][0].T
    _centre(model.joint.enc, encoded, 1.0)
    _centre(model.joint.pred, predicted, shape.predictor_spread)
    pairs = _joint_inputs(model, encoded[20:68], predicted[:24])
    last = model.joint.joint_net[2]
    _centre(last, pairs, 2.0)
    last.bias.sub_((pairs @ last.weight.T + last.bias).mean(0))
    logits = pairs @ last.weight.T + last.bias
    margin = logits[:, :vocabulary].max(-1).values - logits[:, vocabulary]
    last.bias[vocabulary] += torch.quantile(margin, shape.blank_share)
    if shape.has_durations:
        last.bias[vocabulary + 1] += shape.zero_bias
        last.bias[vocabulary + 3 : vocabulary + 5] += 1.0


def _tune_blank(model: torch.nn.Module, encoded: torch.Tensor, wanted: float) -> None:
    """Find by bisection the bias of blank at which the search emits as wanted."""
    bias = model.joint.joint_net[2].bias
    blank = model.joint.num_classes_with_blank - 1 - model.joint.num_extra_outputs
    start, low, high = bias[blank].item(), -10.0, 10.0
    for _ in range(14):
        middle = (low + high) / 2
        bias[blank] = start + middle
        found = model.decoding.rnnt_decoder_predictions_tensor(
            encoder_output=encoded.T[None],
            encoded_lengths=torch.tensor([len(encoded)]),
            return_hypotheses=True,
        )[0]
        if len(found.y_sequence) > wanted * len(encoded):
            low = middle
        else:
            high = middle


def _joint_inputs(
    model: torch.nn.Module, encoded: torch.Tensor, predicted: torch.Tensor
) -> torch.Tensor:
    """Return what enters the joint's last layer for all pairs, (n, J)."""
    summed = model.joint.enc(encoded)[:, None] + model.joint.pred(predicted)[None]
    return torch.relu(summed).flatten(0, 1)


def _calibrate_ctc(model: torch.nn.Module, encoded: torch.Tensor, shape: Shape) -> None:
    head = model.decoder if shape.head == "ctc" else model.ctc_decoder
    layer = head.decoder_layers[0]
    weight = layer.weight[:, :, 0]
    mean = encoded.mean(0)
    scale = 2.0 / ((encoded - mean) @ weight.T).std()
    layer.weight.mul_(scale)
    layer.bias.copy_(-(layer.weight[:, :, 0] @ mean))
    logits = encoded @ layer.weight[:, :, 0].T + layer.bias
    margin = logits[:, :-1].max(-1).values - logits[:, -1]
    layer.bias[-1] += torch.quantile(margin, shape.blank_share)
