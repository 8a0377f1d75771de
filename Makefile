# The way in: `make run` shows Henge at work, `make test` tests it, `make help` lists the rest. Each target brings what
# it needs (tools/bootstrap) and may be run again.

.DEFAULT_GOAL := help
SHELL := /bin/bash
.SHELLFLAGS := -eu -o pipefail -c
MAKEFLAGS += --no-print-directory

# One configuration for everything, tests included: the same flags in each target, or it all compiles again.
FLAGS := -c release --explicit-target-dependency-import-check error
HENGE := .build/release/henge

PREFIX ?= /usr/local
DESTDIR ?=
# make test FILTER=RingTests, or FILTER='RingTests|TokenTests/slot'
FILTER ?=
# make sim SEEDS=7...7
SEEDS ?= 1...2000
# make bench-peers QUICK=1
QUICK ?=
# make microbench ARGUMENTS='--filter coordinator.*'
ARGUMENTS ?=
# make chaos SECONDS=600
SECONDS ?= 60

# Words to `help` are the ## of each target.
.PHONY: help
help: ## Lists the targets
	@echo 'make TARGET, where TARGET is one of'
	@sed -nE 's/^([a-z-]+):.*## (.*)/  \1\t\2/p' Makefile | expand -t 14

.PHONY: run
run: build ## Builds, starts a local cluster of three nodes, shows a tour on it and adds a fourth
	@cluster/tour

.PHONY: stop
stop: ## Stops the local cluster that `make run` left up
	@if [[ -x $(HENGE) ]]; then $(HENGE) cluster down; else echo 'henge is not built, so no cluster of it runs'; fi

.PHONY: build
build: ## Builds .build/release/henge
	@tools/bootstrap build
	swift build $(FLAGS) --product henge

.PHONY: test
test: ## Builds and runs every test, or those that FILTER=regex names
	@tools/bootstrap build chaos
	swift build $(FLAGS) --product henge
	swift build $(FLAGS) --product hengePackageTests
	@tools/run-tests $(FLAGS) --skip-build --disable-xctest $(if $(FILTER),--filter '$(FILTER)')

.PHONY: smoke
smoke: build ## Checks a real cluster with redis-cli, redis-benchmark and redis-py, and runs the examples
	@tools/bootstrap smoke examples
	@cluster/run-examples
	@cluster/smoke

.PHONY: look
look: build ## Looks at the dashboard of a real cluster with a headless browser; pictures in .build/pictures
	@tools/bootstrap browser
	@cluster/look

.PHONY: sim
sim: build ## Runs the simulator on SEEDS=1...2000, and all drills of changes of the ring
	$(HENGE) simulate --seeds $(SEEDS)
	$(HENGE) simulate --seeds $(SEEDS) --shards 2
	$(HENGE) simulate --drills

.PHONY: chaos
chaos: build ## Kills, freezes and cuts off real nodes under load for SECONDS=60, twice
	@tools/bootstrap chaos
	cluster/chaos --seconds $(SECONDS)
	cluster/chaos --netns --seconds $(SECONDS)

.PHONY: bench
bench: build ## Measures speed and memory, beside Redis where it is installed
	@tools/bootstrap bench smoke
	@cluster/bench

.PHONY: bench-peers
bench-peers: build ## Measures Henge beside Redis, Redis Cluster and etcd; QUICK=1 for six minutes instead of forty
	@tools/bootstrap peers
	@cluster/bench-peers $(if $(QUICK),--quick)

.PHONY: microbench
microbench: ## Times the parts of a request's way one by one; ARGUMENTS='--help' for what else it can do
	@tools/bootstrap build
	HENGE_BENCHMARKS=1 swift package --scratch-path .build/microbench --disable-sandbox \
	    benchmark --no-progress $(ARGUMENTS)

.PHONY: instructions
instructions: build ## Counts the instructions that a request takes on three nodes; ARGUMENTS='--help' for which
	@tools/bootstrap instructions
	@cluster/count-instructions $(ARGUMENTS)

.PHONY: lint
lint: ## Checks format, layers, sizes, links, scripts and examples
	@tools/bootstrap lint examples
	swift format lint --strict --recursive --parallel Package.swift Sources Tests
	tools/tidy --self-test
	tools/tidy
	tools/docs --links
	tools/check-scripts
	cluster/check-examples
	@tools/test-bootstrap >/dev/null || tools/test-bootstrap
	python3 cluster/test_henge_cluster.py
	python3 cluster/test_bench_report.py
	python3 cluster/test_peers.py
	python3 cluster/test_growth_report.py
	python3 cluster/test_callgrind_profile.py
	python3 cluster/test_ring_checks.py
	python3 cluster/test_tour.py
	@for test in cluster/test_chaos_*.py; do echo "python3 $$test"; python3 "$$test"; done

.PHONY: format
format: ## Formats the Swift files and wraps their comments
	@tools/bootstrap lint
	swift format --in-place --recursive --parallel Package.swift Sources Tests
	tools/tidy --fix

.PHONY: docs
docs: build ## Writes docs/cli.md, docs/metrics.md and the Grafana dashboard, checks links
	@tools/bootstrap lint
	@tools/docs

.PHONY: install
install: build ## Installs henge and its shell completions under PREFIX=/usr/local
	install -D -m 755 $(HENGE) '$(DESTDIR)$(PREFIX)/bin/henge'
	install -d '$(DESTDIR)$(PREFIX)/share/bash-completion/completions' \
	    '$(DESTDIR)$(PREFIX)/share/zsh/site-functions' '$(DESTDIR)$(PREFIX)/share/fish/vendor_completions.d'
	$(HENGE) --generate-completion-script bash \
	    >'$(DESTDIR)$(PREFIX)/share/bash-completion/completions/henge'
	$(HENGE) --generate-completion-script zsh >'$(DESTDIR)$(PREFIX)/share/zsh/site-functions/_henge'
	$(HENGE) --generate-completion-script fish \
	    >'$(DESTDIR)$(PREFIX)/share/fish/vendor_completions.d/henge.fish'

.PHONY: clean
clean: ## Removes what was built; the data of a local cluster stays
	rm -rf .build
