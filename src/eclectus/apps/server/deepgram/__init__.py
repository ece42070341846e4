"""Deepgram's wire: `/v1/listen` for files and live audio."""
