"""The wire of Wyoming, which Home Assistant and Rhasspy speak."""
