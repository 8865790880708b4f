# 'make' alone shows what there is.
.DEFAULT_GOAL := help
SHELL := /bin/bash
ELT := .build/release/elt

.PHONY: help setup demo build test test-fast lint bench bench-quick bench-weeks profile soak install clean

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

bench: build .venv/bench bench/work/limits ## Measure beside peers and limits; WORKLOADS=W1a,W2 REPEAT=1 SAVE=1
	.venv/bin/python bench/bench.py --elt $(ELT) $(if $(WORKLOADS),--workloads $(WORKLOADS)) $(if $(REPEAT),--repeat $(REPEAT)) $(if $(SAVE),--save)

bench-quick: build .venv/bench bench/work/limits ## The same, small: tables must be right, time has no verdict
	.venv/bin/python bench/bench.py --elt $(ELT) --quick $(if $(WORKLOADS),--workloads $(WORKLOADS))

bench-weeks: build .venv/bench ## 72 weeks of hours: time and memory must stay flat (about an hour)
	.venv/bin/python bench/weeks.py --elt $(ELT) $(if $(WEEKS),--weeks $(WEEKS)) $(if $(SAVE),--save)

profile: build .venv/bench ## Where the time goes: perf, else callgrind; WORKLOADS=W1a
	ELT=$(ELT) bench/profile.sh $(WORKLOADS)

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

.venv/bench: .venv/installed bench/requirements.txt
	.venv/bin/pip install --quiet --disable-pip-version-check -r bench/requirements.txt
	@touch $@

bench/work/limits: bench/limits.cpp | setup
	@mkdir -p bench/work
	$(CXX) -O2 -DNDEBUG -march=native -std=c++17 -o $@ $< $$(pkg-config --cflags --libs rdkafka sqlite3 libzstd simdjson)

clean: ## Remove what was built and the demo
	rm -rf .build demo bench/work
