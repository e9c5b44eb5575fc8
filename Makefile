# make demo: a real node on this machine. make test: everything that is tested. Both install what they need.

PYTHON ?= python3
NODES ?= 1
BIN := .venv/bin

.PHONY: help demo demo-down test lint unit protos protos-check collection clean

help:
	@echo "make demo [NODES=3]   roll kubenode out on local systemd machines and run pods there (root)"
	@echo "make demo-down        take them down again; nothing stays"
	@echo "make test             run every test; without root those that need none"
	@echo "make lint | unit      the parts of it that are quick"
	@echo "make protos           render the Python stubs from protos/"
	@echo "make collection       build the collection's tarball into dist/"

.venv/.ready: pyproject.toml
	@$(PYTHON) -m ensurepip --version >/dev/null 2>&1 || { apt-get update -qq && apt-get install -y -qq python3-venv; }
	$(PYTHON) -m venv .venv
	$(BIN)/pip install --quiet --upgrade 'pip>=25.1'
	$(BIN)/pip install --quiet --editable '.[fleet]'
	@touch $@

.venv/.developer: .venv/.ready
	$(BIN)/pip install --quiet --editable '.[fleet]' --group dev
	@touch $@

demo: .venv/.ready
	$(BIN)/python demo/demo.py up --nodes $(NODES)

demo-down: .venv/.ready
	$(BIN)/python demo/demo.py down

test: .venv/.developer
	$(BIN)/python tests/run.py

lint: .venv/.developer
	$(BIN)/python tests/run.py --only lint

unit: .venv/.developer
	$(BIN)/python tests/run.py --only unit

protos: .venv/.developer
	$(BIN)/python tools/protos.py generate

protos-check: .venv/.developer
	$(BIN)/python tools/protos.py check

collection: .venv/.ready
	@mkdir -p dist
	$(BIN)/ansible-galaxy collection build --force --output-path dist

clean:
	rm -rf .venv .ansible build dist .mypy_cache .ruff_cache .pytest_cache .hypothesis .import_linter_cache
