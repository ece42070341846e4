"""One adapter a peer, all asked the same questions by `client.Worker`."""
