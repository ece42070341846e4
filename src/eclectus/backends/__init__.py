"""The engines that compute a network."""
