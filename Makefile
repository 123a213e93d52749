# Two commands do everything: `make report` and `make test`. Each sets up what it needs.
PYTHON ?= $(shell for p in python3.11 python3.12 python3.13 python3; do command -v $$p && break; done)
VENV := .venv
BIN := $(VENV)/bin
OUT ?= reports/demo
PROFILE ?= demo

.PHONY: report test lab pins bench wheelhouse clean help

help:            ## say what there is to make
	@grep -E '^[a-z]+:.*##' $(MAKEFILE_LIST) | sed -E 's/:.*## /\t/'

$(VENV)/installed: constraints.txt pyproject.toml
	$(PYTHON) -c 'import sys; sys.exit("Python 3.11 or newer is needed, this is " + sys.version) if sys.version_info < (3, 11) else None'
	test -x $(BIN)/python || $(PYTHON) -m venv $(VENV)  # a second Python laid over a venv mixes their libraries
	$(BIN)/python -m pip install --disable-pip-version-check -q -c constraints.txt -e '.[dev]'
	touch $@

report: $(VENV)/installed  ## the whole study on the synthetic cohort -> reports/demo/report.html
	$(BIN)/ovcf run --profile $(PROFILE) --out $(OUT)

test: $(VENV)/installed    ## lint, layers, types, stripped notebooks, every test
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/lint-imports
	$(BIN)/mypy
	$(BIN)/nbstripout --verify notebooks/*.ipynb
	OMP_NUM_THREADS=1 $(BIN)/python -m pytest -n 2 --dist loadfile --no-loadscope-reorder

pins: $(VENV)/peers        ## write constraints.txt anew from what is installed
	$(BIN)/pip freeze --exclude-editable --exclude pip --exclude setuptools > constraints.txt

lab: $(VENV)/installed     ## JupyterLab: notebooks, reports and data
	$(BIN)/jupyter lab --ServerApp.root_dir="$(CURDIR)" --LabApp.default_url=/lab/tree/notebooks/01_dataset.ipynb

wheelhouse: $(VENV)/installed  ## every package as a file in wheelhouse/, for a machine without network
	$(BIN)/python -m pip wheel --disable-pip-version-check -q -c constraints.txt -w wheelhouse .

$(VENV)/peers: $(VENV)/installed
	$(BIN)/python -m pip install --disable-pip-version-check -q -c constraints.txt -e '.[dev,peers]'
	touch $@

bench: $(VENV)/peers       ## ours beside its peers -> benchmarks/RESULTS.md, results.png (on a quiet machine)
	$(BIN)/python benchmarks/results.py $(BENCH)

clean:                     ## drop the environment; runs and cohorts stay
	rm -rf $(VENV)
