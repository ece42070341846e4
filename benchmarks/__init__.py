"""Measurements of eclectus and of its peers; `README.md` says how to run them."""
