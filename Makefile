# `make demo` and `make test` are all a newcomer needs; both create .venv on first use.
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
INSTALLED := $(VENV)/.installed
PIP := $(BIN)/python -m pip install --quiet --disable-pip-version-check -c constraints.txt
# The CPU build of torch: from a configured index or folder if it is there, else from PyTorch's own index.
TORCH := $(shell sed -n 's/^torch==//p' constraints.txt)

.PHONY: install demo demo-fast test check docs corpus bench clean

install: $(INSTALLED)

$(INSTALLED): pyproject.toml constraints.txt
	$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11) and "wirelessfm needs Python 3.11 or newer")'
	$(PYTHON) -m venv $(VENV)
	$(PIP) "torch==$(TORCH)+cpu" 2>/dev/null || $(PIP) "torch==$(TORCH)" --index-url https://download.pytorch.org/whl/cpu
	$(PIP) -e ".[dev]"
	touch $@

demo: install
	$(BIN)/wfm demo

demo-fast: install
	$(BIN)/wfm demo --fast

test: install
	$(BIN)/python -m pytest tests -q -n 2

check: install
	$(BIN)/ruff format --check src tests benchmarks
	$(BIN)/ruff check src tests benchmarks
	$(BIN)/mypy
	$(BIN)/python -m pytest tests/test_layers.py tests/test_docs.py -q

corpus: install
	$(PIP) -e ".[rt]"
	$(BIN)/python -m wirelessfm.data.simulate.make_corpus runs/corpus

clean:
	rm -rf $(VENV) runs
