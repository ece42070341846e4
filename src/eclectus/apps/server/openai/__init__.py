"""OpenAI's wire: files, models and Realtime transcription."""
