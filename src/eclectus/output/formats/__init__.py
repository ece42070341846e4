"""One module a format, each with a constant `FORMAT`; a module that is added here is a format."""
