"""Types, options, protocols and errors of every part; standard library and NumPy only."""
