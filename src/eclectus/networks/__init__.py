"""What a network's files say about it, read without an inference engine."""
