"""Which models exist, where their files are, and what is in them."""
