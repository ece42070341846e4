# The two commands of the README, and shorter ways.
PYTHON ?= python3
VENV ?= .venv

.PHONY: demo test fast clean

demo: ## Make an environment, install, and transcribe a shipped clip on screen.
	PYTHON="$(PYTHON)" VENV="$(VENV)" scripts/setup demo
	$(VENV)/bin/eclectus transcribe examples/clips/story.flac --output-format txt,srt --stdout

test: ## Set up everything and run all gates: format, lint, types, contracts, tests, docs, wheel.
	PYTHON="$(PYTHON)" VENV="$(VENV)" scripts/check

fast: ## The gates of every few minutes: format, lint, types, contracts, and the tests not marked slow.
	PYTHON="$(PYTHON)" VENV="$(VENV)" scripts/check fast

clean:
	rm -rf $(VENV) build dist site .coverage* .mypy_cache .ruff_cache .pytest_cache .hypothesis
