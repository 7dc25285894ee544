# Two commands are enough for a newcomer: `make demo` and `make test`.
PYTHON ?= $(shell command -v python3.11 || command -v python3.12 || command -v python3)
TORCH ?= torch==2.13.0
VENV ?= .venv
BIN := $(VENV)/bin
PORT ?= 5006
ROWS ?= 20000
PAGE ?= docs/benchmarks.md
# A process on every core already: threads of OpenMP would only wait for one another.
PYTEST := OMP_NUM_THREADS=1 $(BIN)/python -m pytest -n logical --maxprocesses 4 --dist loadscope --no-loadscope-reorder

.PHONY: demo test journeys check serve bench wheel clean

demo: $(VENV)/.installed  ## install, simulate a survey, scan, embed, build, and open the explorer
	$(BIN)/anomaly-explorer demo --port $(PORT)

test: check $(VENV)/.tested  ## lint, then every default test, one journey through the page among them
	$(PYTEST)

journeys: $(VENV)/.tested  ## every journey through the page, in Chromium
	$(PYTEST) tests/journeys --journeys

check: $(VENV)/.tested  ## ruff: style, docstrings, complexity, banned imports
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .

serve: $(VENV)/.installed  ## make serve STORE=folder SPECTRA=root
	$(BIN)/anomaly-explorer serve $(STORE) $(if $(SPECTRA),--spectra $(SPECTRA)) --port $(PORT)

# make bench ROWS=22504897 builds that many once and measures; make bench STORE=folder measures it.
bench: $(VENV)/.tested  ## measure beside the stock way, and write docs/benchmarks.md (or PAGE)
	$(BIN)/python -m benchmarks $(SECTIONS) --rows $(ROWS) --out $(PAGE) $(if $(STORE),--store $(STORE)) $(if $(SPECTRA),--spectra $(SPECTRA))

wheel: $(VENV)/.tested  ## build sdist and wheel into dist/
	$(BIN)/python -m build

clean:
	rm -rf $(VENV) build dist *.egg-info .pytest_cache .ruff_cache .hypothesis

# torch comes first: with it installed, nothing else pulls another build of it.
$(VENV)/.installed: pyproject.toml
	$(PYTHON) -c 'import sys; sys.exit(sys.version_info[:2] not in {(3, 11), (3, 12)} and "Python 3.11 or 3.12 is needed, this is " + sys.version.split()[0] + ": make PYTHON=/path/to/python3.11")'
	$(PYTHON) -m venv $(VENV)
	$(BIN)/python -m pip install --quiet --upgrade pip
	$(BIN)/python -m pip install --quiet $(TORCH)
	$(BIN)/python -m pip install --quiet --editable .
	touch $@

$(VENV)/.tested: $(VENV)/.installed
	$(BIN)/python -m pip install --quiet --editable '.[test]'
	touch $@
