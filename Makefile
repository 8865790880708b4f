# 'make' alone shows what there is.
.DEFAULT_GOAL := help
SHELL := /bin/bash
ELT := .build/release/elt

.PHONY: help setup demo build test test-fast lint bench bench-quick soak install clean

help: ## Show this help
	@grep -hE '^[a-z-]+:.*##' $(MAKEFILE_LIST) | awk -F ':.*## ' '{printf "  make %-12s %s\n", $$1, $$2}'

setup: ## Install the system libraries that are missing (Debian, Ubuntu; Homebrew on a Mac)
	@scripts/setup.sh

build: setup ## Build the program: .build/release/elt
	swift build -c release --product elt

demo: build ## Full load, hours, and a rebuild on a sandbox; leaves the project in ./demo
	@scripts/demo.sh

test: build .venv/installed ## Build and pass all tests
	scripts/test.sh

test-fast: setup ## Unit tests only
	swift test

lint: ## House rules that a compiler doesn't know
	scripts/lint.sh

bench: build .venv/installed ## Measure, against the limits of each step
	python3 bench/bench.py

bench-quick: build .venv/installed ## The same, small: a smoke test without a verdict on time
	python3 bench/bench.py --quick

soak: build .venv/installed ## Random lives, every kill, failing call and flipped bit, until it's stopped
	scripts/soak.sh

install: build ## Copy the stripped program to PREFIX/bin (default /usr/local)
	install -d $(or $(PREFIX),/usr/local)/bin
	install -s -m 755 $(ELT) $(or $(PREFIX),/usr/local)/bin/elt

.venv/installed: Tests/life/requirements.txt
	@scripts/setup.sh python
	python3 -m venv .venv
	.venv/bin/pip install --quiet --disable-pip-version-check -r Tests/life/requirements.txt
	@touch $@

clean: ## Remove what was built and the demo
	rm -rf .build demo bench/work
