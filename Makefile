# Everything runs in .venv of this checkout. `make help` lists the targets.
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/$(if $(filter Windows_NT,$(OS)),Scripts,bin)
PIP := $(BIN)/python -m pip install --disable-pip-version-check -c constraints.txt
# PyPI's PyTorch for Linux brings several GB of CUDA, so the CPU build is taken from here first. A machine whose pip has
# an index of its own uses that one. For a GPU: make chat TORCH_INDEX=
TORCH_INDEX ?= https://download.pytorch.org/whl/cpu

.PHONY: help chat test fast coverage lint check floors format eval models docs

help:  ## List the targets
	@grep -hE '^[a-z-]+:.*##' $(MAKEFILE_LIST) | sed -E 's/^([a-z-]+):.*## /\1\t/' | expand -t 12

chat: models  ## Set up what is missing, then open the web chat on http://127.0.0.1:7860
	$(BIN)/rag chat

test: $(VENV)/.dev models  ## Set up what is missing, then run every test
	$(BIN)/rag models pull local:small
	$(BIN)/python -m pytest -n 2 --dist loadfile

fast: $(VENV)/.dev  ## Run the quick tests, without model weights, browsers, servers and other processes
	$(BIN)/python -m pytest -n auto --dist loadfile -m "not slow and not browser and not long"

coverage: $(VENV)/.dev  ## Run what needs neither weights nor a browser; fail under the floor of pyproject.toml
	$(BIN)/python -m pytest -n auto --dist loadfile -m "not slow and not browser" --cov

lint: $(VENV)/.dev  ## Check format, lint, types and the CI workflow
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .
	$(BIN)/mypy
	$(BIN)/check-jsonschema --builtin-schema vendor.github-workflows .github/workflows/ci.yml

check: lint test floors docs  ## Run what CI runs

floors: models  ## Fail where answers are worse than the recorded floors: all of dev without a model, part of it with
	$(BIN)/rag eval --system extractive --split dev --fail-under correct_answerable=0.6 \
		--fail-under evidence_recall@1=0.6 --fail-under offset_validity=1
	$(BIN)/rag eval --split dev --kind fact --kind wh --kind yes_no --kind wrong_detail --kind off_topic \
		--fail-under correct_answerable=0.8 --fail-under refused_of_must_refuse=0.8 \
		--fail-under offset_validity=1

format: $(VENV)/.dev  ## Format the code and mend what the linter can
	$(BIN)/ruff format .
	$(BIN)/ruff check --fix .

eval: models  ## Score the default model on the development half of the eval set
	$(BIN)/rag eval --split dev

docs: $(VENV)/.dev  ## Build the docs with an API reference into build/docs
	$(BIN)/python docs/build.py

models: $(VENV)/.run  ## Download and verify the default models (once)
	$(BIN)/rag models pull

$(VENV)/.run: pyproject.toml constraints.txt
	test -x $(BIN)/python || $(PYTHON) -m venv $(VENV)
	@echo "Installing the packages into $(VENV) (once, some minutes) ..."
	@if [ "$$(uname -s)" = Linux ] && [ -n "$(TORCH_INDEX)" ] \
		&& ! $(BIN)/python -m pip config list | grep -Eq "index|find-links"; then \
		$(PIP) --retries 1 --extra-index-url "$(TORCH_INDEX)" torch; fi
	$(PIP) --no-compile -e ".[all]"
	@echo "Compiling them on all cores; pip would do so on one ..."
	@$(BIN)/python -m compileall -qq -j 0 $(VENV)/lib || true  # some packages have files that no Python can compile
	touch $@

$(VENV)/.dev: $(VENV)/.run
	$(PIP) --quiet -e ".[dev]"
	touch $@
