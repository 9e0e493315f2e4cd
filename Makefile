# Two commands for a newcomer: make demo, make test. Everything else is in CONTRIBUTING.md.
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
INSTALLED := $(VENV)/.installed
BROWSER ?= 1
# Files of tests run side by side in this many processes; each file stays in one of them.
TEST_PROCESSES ?= 3
SIDE_BY_SIDE := -n $(TEST_PROCESSES) --dist loadfile

.PHONY: demo test soak check format lint types imports docs docs-check bench pictures clean

$(INSTALLED): pyproject.toml constraints.txt
	@$(PYTHON) -c 'import sys; v = sys.version_info; sys.exit(0 if v >= (3, 11) else f"Python 3.11 or newer is needed, this is {v[0]}.{v[1]}. Set PYTHON=/path/to/python3.")'
	@echo "Installing into $(VENV) (once; a few minutes) ..."
	@$(PYTHON) -m venv $(VENV)
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check -c constraints.txt -e '.[dev]'
	@touch $@

demo: $(INSTALLED)
	@exec $(BIN)/tianfu demo

test: $(INSTALLED)
ifeq ($(BROWSER),0)
	@echo "BROWSER=0: the browser tests are left out."
	$(BIN)/python -m pytest $(SIDE_BY_SIDE) -m "not browser and not soak"
else
	@$(BIN)/python -m tests.browser.chromium --install
	$(BIN)/python -m pytest $(SIDE_BY_SIDE)
endif

soak: $(INSTALLED)
	$(BIN)/python -m pytest -m soak

check: format lint types imports docs-check test

format: $(INSTALLED)
	$(BIN)/ruff format --check .

lint: $(INSTALLED)
	$(BIN)/ruff check .

types: $(INSTALLED)
	$(BIN)/mypy

imports: $(INSTALLED)
	$(BIN)/lint-imports

docs: $(INSTALLED)
	$(BIN)/python -m dashboard.cli.reference --write

docs-check: $(INSTALLED)
	$(BIN)/python -m dashboard.cli.reference --check

bench: $(INSTALLED)
	$(BIN)/python -m benchmarks $(BENCH)

pictures: $(INSTALLED)
	TIANFU_PICTURES=docs/pictures $(BIN)/python -m pytest -m browser tests/browser

clean:
	rm -rf var build .mypy_cache .ruff_cache .pytest_cache .hypothesis
