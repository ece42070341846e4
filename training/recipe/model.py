"""FastConformer-TDT with a CTC head; parameters carry NeMo's names."""

import math

import torch
from torch import Tensor, nn
from torch.nn import functional

from recipe.config import ModelConfig

SUBSAMPLING = 8
POSITIONS = 5000


class _MaskedRelu(torch.autograd.Function):
    """ReLU that also zeroes frames past the lengths; one pass forward, one backward."""

    @staticmethod
    def forward(ctx, x: Tensor, lengths: Tensor) -> Tensor:
        """Takes (B, C, T, F) and writes its result over x, which the caller must not use again."""
        x.relu_()
        for item, length in zip(x, lengths.tolist(), strict=True):
            item[:, length:].zero_()
        ctx.mark_dirty(x)
        ctx.save_for_backward(x)
        return x

    @staticmethod
    def backward(ctx, grad: Tensor) -> tuple[Tensor, None]:
        """A zeroed frame has output 0, so the ReLU's own gradient masks it too.

        Writes over the incoming gradient, which no one else reads: memory, not sums, is the cost.
        """
        (x,) = ctx.saved_tensors
        ready = grad.is_contiguous(memory_format=torch.channels_last)
        target = grad if ready else torch.empty_like(x)
        torch.ops.aten.threshold_backward.grad_input(grad, x, 0.0, grad_input=target)
        return target, None


def _masked_relu(x: Tensor, lengths: Tensor) -> Tensor:
    if x.requires_grad and torch.is_grad_enabled():
        return _MaskedRelu.apply(x, lengths)
    mask = torch.arange(x.shape[2], device=x.device) < lengths[:, None]
    return functional.relu(x) * mask[:, None, :, None].to(x.dtype)


class Subsampling(nn.Module):
    """Depthwise-striding convolutions, 8 x shorter (NeMo's ConvSubsampling, dw_striding)."""

    def __init__(self, bins: int, channels: int, width: int) -> None:
        super().__init__()
        depthwise = {"kernel_size": 3, "stride": 2, "padding": 1, "groups": channels}
        self.conv = nn.Sequential(
            nn.Conv2d(1, channels, 3, 2, 1),
            nn.ReLU(),
            nn.Conv2d(channels, channels, **depthwise),
            nn.Conv2d(channels, channels, 1),
            nn.ReLU(),
            nn.Conv2d(channels, channels, **depthwise),
            nn.Conv2d(channels, channels, 1),
            nn.ReLU(),
        )
        for _ in range(3):
            bins = (bins - 1) // 2 + 1
        self.out = nn.Linear(channels * bins, width)
        self._initialize()

    def _initialize(self) -> None:
        """PyTorch's default lets the biases drown the signal: 2 % of the energy varies in time."""
        for module in self.conv:
            if isinstance(module, nn.Conv2d):
                nn.init.kaiming_normal_(module.weight, nonlinearity="relu")
                nn.init.zeros_(module.bias)
        nn.init.xavier_normal_(self.out.weight, gain=0.4)
        nn.init.zeros_(self.out.bias)

    def forward(self, features: Tensor, lengths: Tensor) -> tuple[Tensor, Tensor]:
        """(B, M, T), (B,) -> (B, S, width), (B,)."""
        x = features.transpose(1, 2).unsqueeze(1)
        if self.training:
            x = x.contiguous(memory_format=torch.channels_last)
        for index in (0, 2, 5):
            x = self.conv[index](x)
            if index:
                x = self._pointwise(self.conv[index + 1], x)
            lengths = (lengths - 1) // 2 + 1
            x = _masked_relu(x, lengths)
        batch, channels, frames, bins = x.shape
        return self.out(x.transpose(1, 2).reshape(batch, frames, channels * bins)), lengths

    def _pointwise(self, conv: nn.Conv2d, x: Tensor) -> Tensor:
        if not self.training:
            return conv(x)
        weight = conv.weight.flatten(1)
        return functional.linear(x.permute(0, 2, 3, 1), weight, conv.bias).permute(0, 3, 1, 2)


class FeedForward(nn.Module):
    """Two linear maps with SiLU between."""

    def __init__(self, width: int, inner: int, dropout: float) -> None:
        super().__init__()
        self.linear1 = nn.Linear(width, inner)
        self.linear2 = nn.Linear(inner, width)
        self.dropout = dropout

    def forward(self, x: Tensor) -> Tensor:
        """(B, S, D) -> the same."""
        return self.linear2(_drop(functional.silu(self.linear1(x)), self.dropout, self.training))


def _drop(x: Tensor, probability: float, training: bool) -> Tensor:
    return functional.dropout(x, probability) if training and probability else x


class Attention(nn.Module):
    """Self-attention with relative positions (Transformer-XL, section 3.3)."""

    def __init__(self, width: int, heads: int, dropout: float) -> None:
        super().__init__()
        self.heads = heads
        self.dropout = dropout
        self.linear_q = nn.Linear(width, width)
        self.linear_k = nn.Linear(width, width)
        self.linear_v = nn.Linear(width, width)
        self.linear_out = nn.Linear(width, width)
        self.linear_pos = nn.Linear(width, width, bias=False)
        self.pos_bias_u = nn.Parameter(torch.zeros(heads, width // heads))
        self.pos_bias_v = nn.Parameter(torch.zeros(heads, width // heads))

    def forward(self, x: Tensor, positions: Tensor, hidden: Tensor) -> Tensor:
        """Attends over (B, S, D).

        Args:
            x: (B, S, D).
            positions: Sinusoids of the distances S - 1 … -(S - 1), (1, 2S - 1, D).
            hidden: True where a key is padding, (B, 1, 1, S).
        """
        batch, frames, width = x.shape
        split = (batch, frames, self.heads, width // self.heads)
        query = self.linear_q(x).view(split)
        key = self.linear_k(x).view(split).permute(0, 2, 3, 1)
        value = self.linear_v(x).view(split).transpose(1, 2)
        distance = self.linear_pos(positions).view(1, -1, *split[2:]).permute(0, 2, 3, 1)
        scale = 1.0 / math.sqrt(split[3])
        content = ((query + self.pos_bias_u) * scale).transpose(1, 2)
        place = ((query + self.pos_bias_v) * scale).transpose(1, 2)
        scores = content @ key + self._shift(place @ distance)
        weights = scores.masked_fill(hidden, -1e4).softmax(-1)
        mixed = _drop(weights, self.dropout, self.training) @ value
        return self.linear_out(mixed.transpose(1, 2).reshape(batch, frames, width))

    @staticmethod
    def _shift(scores: Tensor) -> Tensor:
        """Aligns (B, H, S, 2S - 1) scores by distance to (B, H, S, S) scores by key."""
        batch, heads, frames, _ = scores.shape
        scores = functional.pad(scores, (1, 0)).view(batch, heads, -1, frames)[:, :, 1:]
        return scores.reshape(batch, heads, frames, -1)[..., :frames]


class Convolution(nn.Module):
    """Gated pointwise, depthwise, batch norm, SiLU, pointwise (Conformer, section 2.2)."""

    def __init__(self, width: int, kernel: int) -> None:
        super().__init__()
        self.pointwise_conv1 = nn.Conv1d(width, 2 * width, 1)
        self.depthwise_conv = nn.Conv1d(
            width, width, kernel, padding=(kernel - 1) // 2, groups=width
        )
        self.batch_norm = nn.BatchNorm1d(width)
        self.pointwise_conv2 = nn.Conv1d(width, width, 1)

    def forward(self, x: Tensor, keep: Tensor) -> Tensor:
        """(B, S, D) -> the same; keep (B, S, 1) is 0 on padding."""
        x = functional.glu(_pointwise(self.pointwise_conv1, x), -1) * keep
        if self.training:
            x = self._depthwise(x)
            shape = x.shape
            x = functional.silu(self.batch_norm(x.reshape(-1, shape[-1]))).view(shape)
        else:
            x = functional.silu(self.batch_norm(self.depthwise_conv(x.transpose(1, 2)))).transpose(
                1, 2
            )
        return _pointwise(self.pointwise_conv2, x)

    def _depthwise(self, x: Tensor) -> Tensor:
        """The depthwise convolution with channels kept innermost, which CPUs run faster."""
        conv = self.depthwise_conv
        plane = x.transpose(1, 2).unsqueeze(2)
        weight = conv.weight.unsqueeze(2)
        plane = functional.conv2d(
            plane, weight, conv.bias, padding=(0, conv.padding[0]), groups=conv.groups
        )
        return plane.squeeze(2).transpose(1, 2)


def _pointwise(conv: nn.Conv1d, x: Tensor) -> Tensor:
    return functional.linear(x, conv.weight.squeeze(-1), conv.bias)


class Layer(nn.Module):
    """One Conformer layer: half feed-forward, attention, convolution, half feed-forward."""

    def __init__(self, config: ModelConfig) -> None:
        super().__init__()
        width, inner = config.width, config.width * config.feed_forward
        self.dropout = config.dropout
        self.norm_feed_forward1 = nn.LayerNorm(width)
        self.feed_forward1 = FeedForward(width, inner, config.dropout)
        self.norm_self_att = nn.LayerNorm(width)
        self.self_attn = Attention(width, config.heads, config.dropout)
        self.norm_conv = nn.LayerNorm(width)
        self.conv = Convolution(width, config.kernel)
        self.norm_feed_forward2 = nn.LayerNorm(width)
        self.feed_forward2 = FeedForward(width, inner, config.dropout)
        self.norm_out = nn.LayerNorm(width)

    def forward(self, x: Tensor, positions: Tensor, hidden: Tensor, keep: Tensor) -> Tensor:
        """(B, S, D) -> the same; the other arguments as in Attention and Convolution."""
        x = torch.add(x, self._drop(self.feed_forward1(self.norm_feed_forward1(x))), alpha=0.5)
        x = x + self._drop(self.self_attn(self.norm_self_att(x), positions, hidden))
        x = x + self._drop(self.conv(self.norm_conv(x), keep))
        x = torch.add(x, self._drop(self.feed_forward2(self.norm_feed_forward2(x))), alpha=0.5)
        return self.norm_out(x)

    def _drop(self, x: Tensor) -> Tensor:
        return _drop(x, self.dropout, self.training)


def sinusoids(count: int, width: int) -> Tensor:
    """Returns the encodings of the distances count - 1 … -(count - 1), (2 count - 1, width)."""
    distance = torch.arange(count - 1, -count, -1, dtype=torch.float32)[:, None]
    rates = torch.exp(torch.arange(0, width, 2, dtype=torch.float32) * -(math.log(1e4) / width))
    angles = distance * rates
    return torch.stack([angles.sin(), angles.cos()], 2).reshape(2 * count - 1, width)


class Encoder(nn.Module):
    """NeMo's ConformerEncoder with full context and no scaling of its input."""

    def __init__(self, config: ModelConfig) -> None:
        super().__init__()
        self.pre_encode = Subsampling(config.mel_bins, config.channels, config.width)
        self.layers = nn.ModuleList(Layer(config) for _ in range(config.layers))
        self.keep_positions(POSITIONS)

    def keep_positions(self, count: int) -> None:
        """Sets how many frames the positional table reaches (12.5 a second)."""
        table = sinusoids(count, self.pre_encode.out.out_features)
        self.register_buffer("positions", table, persistent=False)

    def forward(self, features: Tensor, lengths: Tensor) -> tuple[Tensor, Tensor]:
        """(B, M, T), (B,) -> (B, S, D), (B,) with S = (T - 1) // 8 + 1."""
        x, lengths = self.pre_encode(features, lengths)
        frames = x.shape[1]
        centre = (self.positions.shape[0] + 1) // 2
        positions = self.positions[centre - frames : centre + frames - 1].unsqueeze(0).to(x.dtype)
        valid = torch.arange(frames, device=x.device) < lengths[:, None]
        keep = valid[:, :, None].to(x.dtype)
        hidden = ~valid[:, None, None]
        for layer in self.layers:
            x = layer(x, positions, hidden, keep)
        return x, lengths


class _Recurrence(nn.Module):
    """Only a level in the parameters' names: dec_rnn.lstm."""

    def __init__(self, width: int) -> None:
        super().__init__()
        self.lstm = nn.LSTM(width, width, batch_first=True)


class Predictor(nn.Module):
    """NeMo's RNNTDecoder: an embedding (blank gives zeros) and an LSTM."""

    def __init__(self, vocabulary: int, width: int) -> None:
        super().__init__()
        embed = nn.Embedding(vocabulary + 1, width, padding_idx=vocabulary)
        self.prediction = nn.ModuleDict({"embed": embed, "dec_rnn": _Recurrence(width)})

    def forward(
        self, tokens: Tensor, state: tuple[Tensor, Tensor] | None = None
    ) -> tuple[Tensor, tuple[Tensor, Tensor]]:
        """(B, U) tokens, states (1, B, H) -> (B, U, H), states."""
        return self.prediction["dec_rnn"].lstm(self.prediction["embed"](tokens), state)


class Joint(nn.Module):
    """NeMo's RNNTJoint: sum of two projections, ReLU, a linear map to tokens and durations."""

    def __init__(self, config: ModelConfig) -> None:
        super().__init__()
        self.pred = nn.Linear(config.predictor, config.joint)
        self.enc = nn.Linear(config.width, config.joint)
        outputs = config.vocabulary + 1 + len(config.durations)
        self.joint_net = nn.Sequential(
            nn.ReLU(), nn.Dropout(config.dropout), nn.Linear(config.joint, outputs)
        )

    def forward(self, encoded: Tensor, predicted: Tensor) -> Tensor:
        """(B, S, D), (B, U, H) -> logits (B, S, U, V + 1 + K)."""
        return self.joint_net(self.enc(encoded).unsqueeze(2) + self.pred(predicted).unsqueeze(1))


class CtcHead(nn.Module):
    """NeMo's ConvASRDecoder: a pointwise convolution to tokens and blank."""

    def __init__(self, width: int, vocabulary: int) -> None:
        super().__init__()
        self.decoder_layers = nn.Sequential(nn.Conv1d(width, vocabulary + 1, 1))

    def forward(self, encoded: Tensor) -> Tensor:
        """(B, S, D) -> logits (B, S, V + 1)."""
        return _pointwise(self.decoder_layers[0], encoded)


class TdtModel(nn.Module):
    """Encoder, predictor, joint and CTC head, and a phone classifier that only training needs."""

    def __init__(self, config: ModelConfig) -> None:
        super().__init__()
        self.config = config
        self.encoder = Encoder(config)
        self.decoder = Predictor(config.vocabulary, config.predictor)
        self.joint = Joint(config)
        self.ctc_decoder = CtcHead(config.width, config.vocabulary)
        self.phones = nn.Linear(config.width, config.phone_rate * config.phones)

    @property
    def blank(self) -> int:
        """Index of the blank, which is also the predictor's first input."""
        return self.config.vocabulary
