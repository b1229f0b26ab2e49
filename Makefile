# Two commands do everything on a machine with Python 3.11 and make: `make run` and `make test`.
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
READY := $(VENV)/.ready
PIP := $(BIN)/python -m pip install -q --disable-pip-version-check --no-compile --no-deps --require-hashes
SAMPLE := sample-workspace
# The tests start hundreds of processes: without bytecode each would compile the kit again.
export PYTHONDONTWRITEBYTECODE :=

help:  ## this list
	@grep -hE '^[a-z-]+:.*## ' $(MAKEFILE_LIST) | sed 's/:.*## /\t/' | expand -t 14

run: $(READY)  ## set up, run every phase for the bundled sample, say where the report is
	@test -e $(SAMPLE)/workspace.toml || $(BIN)/playbook new $(SAMPLE) --sample
	@$(BIN)/playbook run --workspace $(SAMPLE)

test: $(READY) system check  ## set up, run every test: rules, pytest, notebooks, browser, real servers
	$(BIN)/pytest tests/browser -n 2 --dist loadscope --no-loadscope-reorder
	$(BIN)/pytest --ignore=tests/browser -n 2 --dist loadscope --no-loadscope-reorder
	$(BIN)/python tests/run_notebooks.py

check: $(READY)  ## lint and types
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy --num-workers 2

lab: $(READY)  ## open the sample in JupyterLab
	@test -e $(SAMPLE)/workspace.toml || $(BIN)/playbook new $(SAMPLE) --sample
	@$(BIN)/playbook lab --workspace $(SAMPLE)

screenshots: $(READY) system  ## pictures of every notebook in JupyterLab, into screenshots/
	$(BIN)/python tests/browser/screenshots.py screenshots

lock: $(READY)  ## compile requirements.lock again from pyproject.toml (needs uv)
	uv pip compile pyproject.toml --all-extras --universal --python-version 3.11 --generate-hashes \
	  --no-emit-index-url --no-emit-find-links --no-annotate --no-header -q -o requirements.lock

system:  ## the Debian packages the tests need, when this is root on Debian
	@sh tests/system_packages.sh

clean:  ## remove what the commands above made
	rm -rf $(VENV) $(SAMPLE) .pytest_cache .mypy_cache .ruff_cache .hypothesis

$(READY): requirements.lock pyproject.toml
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11) and "Python 3.11 or newer is needed; this is " + sys.version)'
	$(PYTHON) -m venv $(VENV)
	@sed -n '/^pip==/,/[^\\]$$/p' requirements.lock | $(PIP) -r /dev/stdin  # Python's own reads the lock in twice the time
	$(PIP) -r requirements.lock
	@$(BIN)/python -m compileall -q -j 0 -x '/(tests|anthropic|openai)/' $(VENV)/lib  # pip would do it all and on one core
	$(BIN)/python -m pip install -q --disable-pip-version-check --no-deps --no-build-isolation -e .
	@touch $(READY)

.PHONY: help run test check lab screenshots lock system clean
