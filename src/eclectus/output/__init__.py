"""Transcripts as text formats, and their files."""
