# The two commands of the README.
PYTHON ?= python3
VENV ?= .venv

.PHONY: demo test clean

demo: ## Make an environment, install, and transcribe a shipped clip on screen.
	PYTHON="$(PYTHON)" VENV="$(VENV)" scripts/setup demo
	$(VENV)/bin/eclectus transcribe examples/clips/story.flac --output-format txt,srt --stdout

test: ## Set up everything and run all gates: format, lint, types, contracts, tests, docs, wheel.
	PYTHON="$(PYTHON)" VENV="$(VENV)" scripts/check

clean:
	rm -rf $(VENV) build dist site .coverage* .mypy_cache .ruff_cache .pytest_cache .hypothesis
