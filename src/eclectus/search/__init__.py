"""Choosing token ids from what the network says."""
