"""What the wires share: keys, errors, uploads, files in work, live sessions."""
