# Two commands: `make demo` shows it, `make test` proves it. Both set everything up first.
PYTHON ?= python3.11
VENV := .venv
BIN := $(VENV)/bin
SET_UP := $(VENV)/.installed
PACKAGES := app blocks checks clients deployments flows insurance_navigator mocks pipeline stages tests

# Nothing of ours or of our parts phones home.
export DO_NOT_TRACK := 1
export PREFECT_SERVER_ANALYTICS_ENABLED := false
export GX_ANALYTICS_ENABLED := false

.PHONY: help setup demo test test-long lint lock bench samples clean

help: ## show this list
	@grep -hE '^[a-z-]+:.*##' $(MAKEFILE_LIST) | sed 's/:.*##/\t/' | expand -t 12

setup: $(SET_UP) ## make .venv with every pinned package

$(SET_UP): requirements.lock pyproject.toml
	@command -v $(PYTHON) >/dev/null || { echo "Python 3.11 is needed: install it, or name one with 'make PYTHON=/path/to/python3.11'."; exit 1; }
	$(PYTHON) -m venv $(VENV)
	# The lock names every package: nothing is left to resolve. Bytecode is compiled on every core.
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --no-deps --no-compile --require-hashes -r requirements.lock -c requirements.lock
	@$(BIN)/python -m compileall -qq -j 0 $(VENV)/lib || true  # a template that is no Python is passed over
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --no-deps --no-build-isolation --editable .
	@touch $@

demo: setup ## ingest samples/, ask a question, write the quality report
	$(BIN)/python -m app.demo

test: setup ## the whole test suite
	# Some machines let no Python keep its bytecode: hundreds of processes would compile ours again.
	@$(BIN)/python -m compileall -qq -j 0 $(PACKAGES)
	$(BIN)/python -m pytest --numprocesses 4 --dist loadfile --no-loadscope-reorder

test-long: setup ## the tests that take too long for every time
	$(BIN)/python -m tests.environments
	NAVIGATOR_TEST_LONG=1 $(BIN)/python -m pytest -m long

lint: setup ## style and types
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy

lock: setup ## pin every dependency again, with hashes and without naming an index
	$(BIN)/python -m pip install --quiet uv
	$(BIN)/uv pip compile --universal --python-version 3.11 --generate-hashes --strip-extras --no-emit-index-url --no-header --extra dev pyproject.toml -o requirements.lock
	$(BIN)/uv pip compile --universal --python-version 3.11 --generate-hashes --strip-extras --no-emit-index-url --no-header --extra image pyproject.toml --constraints requirements.lock -o deployments/requirements.lock
	echo llama-cloud-services==0.6.94 | $(BIN)/uv pip compile --universal --python-version 3.11 --generate-hashes --no-emit-index-url --no-header - -o tests/contracts/llama-cloud-services.lock
	printf 'moto==5.2.5\nflask\nflask-cors\npy-partiql-parser\npyyaml\n' | $(BIN)/uv pip compile --universal --python-version 3.11 --generate-hashes --no-emit-index-url --no-header - -o tests/moto.lock
	printf 'moto[cloudformation]==5.2.5\nkubernetes-validate==1.37.0\nhadolint-bin==2.15.1\npyyaml\n' | $(BIN)/uv pip compile --universal --python-version 3.11 --generate-hashes --no-emit-index-url --no-header - -o tests/manifests.lock
	printf 'prefect-docker==0.7.4\nprefect-kubernetes==0.8.0\n' | $(BIN)/uv pip compile --universal --python-version 3.11 --generate-hashes --no-emit-index-url --no-header --constraints requirements.lock --quiet - | $(BIN)/python -m tests.lock_difference > tests/worker-packages.lock
	# LlamaIndex takes marshmallow 3, ours is 4 where it may be
	sed -n '/^marshmallow==/d;s/^\([a-z0-9].*\) \\$$/\1/p' requirements.lock > .retrievers-constraints.txt
	printf 'langchain-core==1.7.2\nllama-index-core==0.14.25\n' | $(BIN)/uv pip compile --universal --python-version 3.11 --generate-hashes --no-emit-index-url --no-header --constraints .retrievers-constraints.txt --quiet - | $(BIN)/python -m tests.lock_difference > tests/retrievers.lock
	rm .retrievers-constraints.txt
	echo 'twisted[tls]==26.10.0' | $(BIN)/uv pip compile --universal --python-version 3.11 --generate-hashes --no-emit-index-url --no-header - -o tests/imap.lock

bench: setup ## the benchmark behind docs/benchmarks.md
	$(BIN)/python -m benchmarks
	$(BIN)/python -m benchmarks.whole

samples: setup ## make samples/files again
	$(BIN)/python -m samples.make_samples

clean: ## remove what `make` made
	rm -rf $(VENV) .venv-* build *.egg-info .pytest_cache .mypy_cache .ruff_cache
