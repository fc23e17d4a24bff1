# `make` alone lists the targets. Everything the scripts build or remember lies under target/.
.DEFAULT_GOAL := help
SHELL := /bin/bash
.SHELLFLAGS := -eu -o pipefail -c
.DELETE_ON_ERROR:

# The processor of the deployed functions: arm64 (cheaper; ask AWS China whether it has it) or x86-64.
ARCH ?= arm64
FUNCTION ?=
SEED ?=

VENV := target/local/venv
PYTHON := $(VENV)/bin/python
# It stands for the environment: `python` there is a link to the system's, whose time says nothing.
READY := $(VENV)/.ready
# Others' readers of HL7 v2 and FHIR: for tests alone.
READERS := $(VENV)/.readers
TOOLS := PATH="$(CURDIR)/$(VENV)/bin:$$PATH"
KNOWN_ARCH := $(filter arm64 x86-64,$(ARCH))
TRIPLE := $(if $(filter arm64,$(ARCH)),aarch64,x86_64)-unknown-linux-gnu

.PHONY: help run stop reset test model fuzz check fmt format-check lint deny bench build deploy rollback replay needs-run needs-test

help: ## Lists the targets
	@grep -hE '^[a-z-]+:.*##' $(MAKEFILE_LIST) | sed -E 's/^([a-z-]+):.*## /\1\t/' | expand -t 12

# ------------------------------------------------------------------ this machine

run: needs-run $(READY) ## Starts everything here: hospital on PORT (9000), phone on PHONE_PORT (9100); again after a change
	@$(PYTHON) infra/local/stack.py up

stop: $(READY) ## Stops what `run` started; the data stays
	@$(PYTHON) infra/local/stack.py down

reset: $(READY) ## Stops and forgets all local data
	@$(PYTHON) infra/local/stack.py reset

# ------------------------------------------------------------------------ quality

test: needs-test check $(READERS) tests/node_modules/.package-lock.json ## Everything that can fail: check, Rust tests, independent readers, Node tests, journeys on a stack of their own
	@$(PYTHON) tests/run.py

model: needs-test ## The seeded models of money and of the clinic day over thousands of seeds (SEED=17 replays one of each and prints its steps)
	@$(if $(SEED),MONEY_SEED=$(SEED),MONEY_SEEDS=10000) cargo test --quiet --locked --package journeys --features runtime/movable-clock --test suite no_fen_is_lost -- --nocapture
	@$(if $(SEED),DAY_SEED=$(SEED),DAY_SEEDS=2000) cargo test --quiet --locked --package journeys --features runtime/movable-clock --test suite a_day_goes_as_it_should -- --nocapture

fuzz: ## Damaged samples against every parser of results, of the HIS's answers and of imports, for longer (FUZZ_CASES=20000 of each)
	@FUZZ_CASES=$${FUZZ_CASES:-20000} cargo test --quiet --locked --package results --test suite mutations
	@FUZZ_CASES=$${FUZZ_CASES:-20000} cargo test --quiet --locked --package his --lib damaged
	@FUZZ_CASES=$${FUZZ_CASES:-20000} cargo test --quiet --locked --package console@0.1.0 --lib damaged --features runtime/movable-clock

check: format-check lint deny ## Format, lints (warnings denied), dependencies

fmt: ## Formats the Rust code
	@cargo fmt --all

format-check:
	@cargo fmt --all --check

lint:
	@cargo clippy --quiet --locked --workspace --all-targets -- -D warnings

deny:
	@infra/local/deny.sh

bench: needs-run $(READERS) ## Benchmarks into target/bench.md: the figures of README.md (release builds first, which takes a while)
	@cargo build --release --locked --workspace --bins --exclude journeys
	@cargo build --release --locked --package wechat --example callback_loop --example pay_loop
	@cargo build --release --locked --package results --example read_loop
	@cargo build --locked --package bench --example figures
	@$(PYTHON) -m pip install --quiet --disable-pip-version-check --requirement tests/bench/requirements.txt
	@$(PYTHON) tests/bench/run.py

# ---------------------------------------------------------------------------- AWS

build: $(READY) ## Release binaries for ARCH=arm64|x86-64 (FUNCTION=booking builds one)
	@[ -n "$(KNOWN_ARCH)" ] || { echo "ARCH is arm64 or x86-64, not '$(ARCH)'"; exit 2; }
	@if [ "$$(cat target/lambda/.arch 2>/dev/null)" != "$(ARCH)" ]; then rm -rf target/lambda; mkdir -p target/lambda; echo $(ARCH) > target/lambda/.arch; fi
	@if command -v rustup >/dev/null; then rustup target add $(TRIPLE) 2>/dev/null; fi
	@$(TOOLS) cargo lambda build --locked --release --$(ARCH) --workspace --exclude bench $(if $(FUNCTION),--bin $(FUNCTION),--bins)
	@if grep -l CLOCK_FILE target/lambda/*/bootstrap; then echo "these release binaries have a clock that can be moved"; exit 1; fi
	@du -h target/lambda/*/bootstrap

deploy: build ## Deploys to the AWS account of the environment (FUNCTION=booking deploys one); infra/README.md
	@$(TOOLS) $(PYTHON) infra/deploy.py $(if $(FUNCTION),function $(FUNCTION),all)

rollback: $(READY) ## Moves FUNCTION=booking back to the version before the last deploy
	@[ -n "$(FUNCTION)" ] || { echo "which one? make rollback FUNCTION=booking"; exit 2; }
	@$(PYTHON) infra/deploy.py rollback $(FUNCTION)

replay: $(READY) ## Sends what the dead-letter queues hold through again (ON=local: of the local stack)
	@$(if $(filter local,$(ON)),set -a; . target/local.env; set +a;) $(PYTHON) infra/replay.py

# -------------------------------------------------------------------------- needs

needs-run:
	@infra/local/needs.sh run

needs-test:
	@infra/local/needs.sh test

$(READY): infra/local/requirements.txt
	@infra/local/needs.sh run
	@echo "Preparing $(VENV)"
	@python3 -m venv $(VENV)
	@$(VENV)/bin/pip install --quiet --disable-pip-version-check --requirement $<
	@touch $@

$(READERS): shared/results/tests/requirements.txt $(READY)
	@$(PYTHON) -m pip install --quiet --disable-pip-version-check --requirement $<
	@touch $@

tests/node_modules/.package-lock.json: tests/package-lock.json
	@npm ci --prefix tests --no-audit --no-fund --loglevel=error
	@touch $@
