"""The wire of whisper.cpp's server."""
