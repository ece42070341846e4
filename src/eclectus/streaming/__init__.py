"""Live audio: sessions that turn samples into events as they arrive."""
