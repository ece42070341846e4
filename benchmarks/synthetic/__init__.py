"""Parakeet-shaped models with random weights, made by NeMo (in an environment of its own)."""
