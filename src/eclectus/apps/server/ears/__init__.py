"""The wire of eaRS."""
