"""The web page, and the wire that only it speaks."""
