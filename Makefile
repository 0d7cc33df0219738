# Two commands on a fresh machine: `make demo` and `make test`. Both set up everything they need.
# On Windows: `uv run main.py --sample` and `uv run pytest`.
.PHONY: help setup demo test check bench sample pictures format clean
.DEFAULT_GOAL := help
export PYTHONUTF8 := 1
RUN := .venv/bin/

help: ## Show this list
	@grep -hE '^[a-z]+:.*##' $(MAKEFILE_LIST) | sed -E 's/:.*## /\t/' | expand -t 12

setup: ## Install Python packages and system libraries
	@tools/setup.sh >/dev/null

demo: setup ## Open the sample city; without a screen, write a picture of it
	@$(RUN)python -m tools.demo

test: setup ## Run all tests, those that need a real window on a virtual screen
	@tools/judges.sh
	@$(RUN)python -m pytest -n 2 --dist loadfile
	@tools/with_screen.sh env STADTFORUM_TEST_WINDOW=1 $(RUN)python -m pytest

check: setup ## Format, lint, types, import contracts
	@$(RUN)ruff format --check --quiet .
	@$(RUN)ruff check --quiet .
	@$(RUN)mypy
	@$(RUN)lint-imports

bench: setup ## Measure reading and drawing as ratios within one run (JSON with ARGS=--json)
	@$(RUN)python -m benchmarks.bench $(ARGS)

sample: setup ## Generate the sample city again
	@$(RUN)python -m tools.sample

pictures: setup ## Make the README's pictures again
	@$(RUN)python -m tools.pictures

format: setup ## Format and mend what can be mended
	@$(RUN)ruff format --quiet .
	@$(RUN)ruff check --fix --quiet .

clean: ## Remove what was built
	rm -rf build dist out .pytest_cache .mypy_cache .ruff_cache .hypothesis .import_linter_cache
