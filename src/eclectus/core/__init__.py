"""Types, options, protocols and errors that every other part shares; standard library and NumPy only."""
