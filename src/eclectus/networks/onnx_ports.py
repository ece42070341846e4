"""Names of the inputs and outputs in NeMo's ONNX exports, and of the facts in their metadata."""

FEATURES = "audio_signal"
FEATURE_LENGTHS = "length"
"""Inputs of an encoder: (B, M, T) and (B,)."""
CACHES = ("cache_last_channel", "cache_last_time")
"""Beginnings of the inputs that only cache-aware streaming encoders have."""
ENCODED = "encoder_outputs"
"""Input of a joint network: encoder frames (B, D, S)."""
TOKENS = "targets"
TOKEN_LENGTHS = "target_length"
"""Inputs of a predictor: (B, U) and (B,)."""
PREDICTED = "decoder_outputs"
"""Input of a joint network that is a file of its own: predictor outputs (B, H, U)."""
STATE_RANK, STATE_BATCH = 3, 1
"""Axes of a predictor's recurrent state (L, B, H), and which of them is the batch."""

MEL_BINS = "feat_dim"
SUBSAMPLING = "subsampling_factor"
PIECES = "vocab_size"
NORMALIZATION = "normalize_type"
"""Keys of an encoder's metadata."""
