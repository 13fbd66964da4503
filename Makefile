# Every target sets up what it needs in .venv first: on a fresh machine `make demo` or `make test` is all.
PYTHON ?= python3
BIN := .venv/bin
READY := .venv/.ready
# JupyterLab refuses to run as root unless told otherwise.
AS_ROOT := $(if $(filter 0,$(shell id -u)),--allow-root)

.PHONY: demo lab test test-long test-runtime lint chromium clean

demo: $(READY)
	@$(BIN)/python examples/demo.py

lab: build/quickstart.ipynb
	$(BIN)/python -m jupyterlab $(AS_ROOT) $<

# Two at a time: most of a training's test waits for the other core.
test: lint chromium
	$(BIN)/python -m pytest --numprocesses 2 --dist loadfile

# With real engines: Spark, which needs Java 17, MLflow, JAX.
test-long: chromium
	$(BIN)/python -m pip install --disable-pip-version-check --quiet --editable ".[lab,dev,spark,mlflow,jax]"
	$(BIN)/python -m pytest -m long

# The unit tests with the package versions of a Databricks runtime: make test-runtime RUNTIME=17.3 PYTHON=python3.12
RUNTIME ?= 16.4
OF_RUNTIME := build/runtime-$(RUNTIME)

test-runtime: $(OF_RUNTIME)/.ready
	$(OF_RUNTIME)/bin/python -m pytest tests --ignore tests/engine --ignore tests/integrations --ignore tests/browser \
	    --numprocesses 2 --dist loadfile
	$(OF_RUNTIME)/bin/python -m pytest tests/engine/test_further.py tests/engine/test_build.py tests/engine/test_fit.py \
	    tests/integrations/test_mlflow.py tests/integrations/test_sweep.py --numprocesses 2

$(OF_RUNTIME)/.ready: pyproject.toml tests/constraints/tools.txt tests/constraints/$(RUNTIME).txt
	$(PYTHON) -m venv $(OF_RUNTIME)
	$(OF_RUNTIME)/bin/python -m pip install --disable-pip-version-check --editable . \
	    -r tests/constraints/tools.txt -c tests/constraints/$(RUNTIME).txt
	@touch $@

lint: $(READY)
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy

chromium: $(READY)
	@$(BIN)/python tests/browser/chromium.py

# The environment stays: `rm -rf .venv` has it made anew.
clean:
	rm -rf build dist .hypothesis .mypy_cache .pytest_cache .ruff_cache
	find . -path ./.venv -prune -o -type d -name __pycache__ -print | xargs rm -rf

build/quickstart.ipynb: examples/quickstart.ipynb $(READY)
	@$(BIN)/python examples/demo.py

$(READY): pyproject.toml
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || { \
	    echo "cnnmagic needs Python 3.11 or newer, and $(PYTHON) is not: name one, as in make PYTHON=python3.12" >&2; \
	    exit 1; }
	$(PYTHON) -m venv .venv
	@echo "installing into .venv: this takes some minutes, once"
	@$(BIN)/python -m pip install --disable-pip-version-check --editable ".[lab,dev]" || { \
	    echo "if TensorFlow is what pip did not find: it has none for this Python yet, so remove .venv and" \
	         "name an older one, as in make PYTHON=python3.12" >&2; \
	    exit 1; }
	@touch $@
