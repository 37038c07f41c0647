# What people type. Every target sets up what it needs first; scripts/setup.sh does nothing where all of it is there.
SHELL := /bin/bash
.DEFAULT_GOAL := help

export LIKENESS_CACHE ?= $(if $(XDG_CACHE_HOME),$(XDG_CACHE_HOME),$(HOME)/.cache)/likeness
export PATH := $(LIKENESS_CACHE)/venv/bin:$(PATH)
PYTHON := $(LIKENESS_CACHE)/venv/bin/python
JOBS ?= $(shell nproc)

.PHONY: help setup build run test test-long test-asan test-tsan fuzz bench accuracy compatibility lint format clean

help:  ## this list
	@grep -hE '^[a-z-]+:.*##' $(MAKEFILE_LIST) | sed -E 's/:[^#]*## /\t/' | expand -t 14

setup:
	@scripts/setup.sh

build: setup  ## build/release/likeness
	@[ -f build/release/build.ninja ] || cmake --preset release >/dev/null
	@cmake --build --preset release --parallel $(JOBS) --target likeness

run: build  ## build, start the server on http://127.0.0.1:4600, check real photos, keep serving (ONCE=1: end after that)
	@scripts/run.sh

test:  ## every test: C++, protocol vectors, boto3 and JavaScript against the real binary
	@scripts/setup.sh --tests
	@scripts/test.sh

test-long: test-asan test-tsan fuzz  ## the long tests: sanitizers, fuzzers, a hundred kills
	@scripts/setup.sh --tests
	@LIKENESS_LONG=1 scripts/test.sh

test-asan: setup  ## the C++ tests under AddressSanitizer and UndefinedBehaviorSanitizer
	@cmake --preset asan >/dev/null && cmake --build --preset asan --parallel $(JOBS)
	@ctest --preset asan

test-tsan: setup  ## the C++ tests under ThreadSanitizer
	@cmake --preset tsan >/dev/null && cmake --build --preset tsan --parallel $(JOBS)
	@ctest --preset tsan

fuzz: setup  ## every fuzz target for FUZZ_SECONDS (600) each
	@scripts/fuzz.sh

bench:  ## benchmarks beside their peers, with ratios (docs/benchmarks.md)
	@scripts/setup.sh --bench
	@scripts/bench.sh

accuracy:  ## measure the vision on the labelled photos (docs/accuracy.md)
	@scripts/setup.sh --tests
	@[ -f build/release/build.ninja ] || cmake --preset release >/dev/null
	@cmake --build --preset release --parallel $(JOBS) --target likeness_measure
	@LIKENESS_PYTHON=$(PYTHON) tools/accuracy/run.sh

compatibility: setup  ## write docs/compatibility.md from the registered operations
	@[ -f build/release/build.ninja ] || cmake --preset release >/dev/null
	@cmake --build --preset release --parallel $(JOBS) --target likeness_compatibility
	@build/release/tools/compatibility/likeness_compatibility > docs/compatibility.md.new
	@mv docs/compatibility.md.new docs/compatibility.md

lint:  ## formatting, layers, clang-tidy
	@scripts/setup.sh --tests
	@scripts/lint.sh

format: setup  ## rewrite the sources in the project's format
	@git ls-files 'apps/*.[ch]pp' 'src/*.[ch]pp' 'tests/*.[ch]pp' 'bench/*.[ch]pp' | xargs -r clang-format-19 -i

clean:
	@rm -rf build
