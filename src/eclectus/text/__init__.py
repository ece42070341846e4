"""Tokens to words to segments."""
