"""Speech synthesisers, one module an engine; `recipe.synthesize` loads them by name."""
