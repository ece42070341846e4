"""From a source of audio to a transcript."""
