"""Settings and use cases."""
