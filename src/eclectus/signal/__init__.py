"""Audio bytes to samples to log-mel features; where speech is."""
