"""The server: one process, one port, and every wire that clients already speak."""
