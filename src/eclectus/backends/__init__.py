"""Inference engines, each behind `core.protocols.AcousticModel`; none imports another."""
