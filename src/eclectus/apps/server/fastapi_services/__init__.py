"""The wire of the FastAPI services for Parakeet."""
