# Every verb of this project. CI calls `make ci` and holds no logic of its own, so a laptop checks what CI checks.

SHELL := bash
.SHELLFLAGS := -euo pipefail -c
.DEFAULT_GOAL := help
MAKEFLAGS += --no-builtin-rules --no-print-directory

# Where the installers put them, for shells that read no profile.
export PATH := $(PATH):$(HOME)/.cargo/bin:/usr/local/go/bin

# Fixed, since a newer one may find fault with what has not changed.
CARGO_DENY_VERSION := 0.20.2

CACHE := $(or $(XDG_CACHE_HOME),$(HOME)/.cache)/miniprogram-operator
TARGET := $(or $(CARGO_TARGET_DIR),target)
CARGO_DENY := $(CACHE)/tools/cargo-deny-$(CARGO_DENY_VERSION)/bin/cargo-deny

LANES = MAKE='$(MAKE)' .ci/lanes

# rustfmt is handed every file: it does not follow the macro that declares the files of src/platform.
RUST_FILES = find src tests fuzz -name '*.rs' -print0
RUSTFMT = xargs -0 rustfmt --edition 2024

# What is soon known, and what all others need. Then what mostly waits, beside what computes: the integration tests beside the
# image, and what needs the image beside all the rest. What measures runs alone.
CI := 'check-version lint-workflows lint-scripts check-docs check-plugin fmt-check programs check-generated prepare' \
	-- it clusters 'nice image' \
	-- e2e 'alerts-check chart-check gitops-check chaos-short' 'nice unit simulate mutants-unit clippy doc deny' \
	-- bench-short

# What is long, one after the other.
SOAK := 'programs simulate years explore fresh chaos mutants mutants-simulated fuzz reproducible'

.PHONY: help
help: ## Show this list
	@awk 'BEGIN { FS = ":.*## " } /^##@ / { printf "\n%s\n", substr($$0, 5) } \
		/^[a-z0-9-]+:.*## / { printf "  make %-16s %s\n", $$1, $$2 }' $(MAKEFILE_LIST)

##@ Use

# All programs and tests in one go and always for the whole workspace: chosen one by one, crates have other features, and what
# they depend on is built again.
.PHONY: build
build: need-rust ## Build all programs
	@$(if $(BUILT),,cargo build --locked --workspace --bins)

.PHONY: programs
programs: need-rust ## Build all programs and all tests, none of which runs
	cargo test --locked --workspace --no-run
	cargo build --locked --workspace --bins

.PHONY: demo
demo: need-rust need-go build ## See it work: control plane, simulated WeChat, operator. ONCE=1 checks each step and ends
	@ONCE='$(ONCE)' BIN='$(abspath $(TARGET))/debug' '$(TARGET)/debug/local-cluster' run -- tests/demo/demo.sh

##@ Check

.PHONY: test
test: ## All tests but the long ones and those on a node, with the time of each step
	@$(LANES) 'programs control-plane' -- it clusters 'nice unit simulate'

.PHONY: unit
unit: need-rust ## Unit and property tests: no network, no cluster
	cargo test --locked --workspace --lib --bins --no-fail-fast
	cargo test --locked --workspace --doc

.PHONY: it
it: need-rust control-plane ## Integration tests: a real API server, the simulator, the operator
	cargo test --locked --workspace --test it --no-fail-fast -- --test-threads=12

.PHONY: clusters
clusters: need-rust control-plane ## Tests of the control plane that the integration tests run on
	cargo test --locked --workspace --test clusters --test killed --no-fail-fast

.PHONY: simulate
simulate: need-rust ## The operator on virtual time: known scripts, one fault at every step, a fixed set of runs
	cargo test --locked --workspace --test scripts --test runs --test another_caller --no-fail-fast

# What a failing run shows is replayed with `--seed N --trace`.
SIMULATE = '$(TARGET)/debug/simulate'

# What a failing script shows is replayed with `--scenario … --script … --trace`.
EXPLORE = '$(TARGET)/debug/explore'

.PHONY: explore
explore: build ## Two callers of one app: every fault at every step, and every pair of grave ones. FAULTS=2: every pair, for hours
	$(EXPLORE) --faults $(or $(FAULTS),1) --grave $(or $(FAULTS),2)

.PHONY: years
years: build ## A hundred simulated years, or YEARS=…
	$(SIMULATE) --seconds 0 --years $(or $(YEARS),100)

# Others for every change of what is simulated, and the same when that is tested again: what fails at night fails on a laptop.
FRESH = $$((16\#$$(find src tests/simulation tests/simulator -type f -print0 | LC_ALL=C sort -z | xargs -0 sha256sum | sha256sum | cut -c 1-11)))

.PHONY: fresh
fresh: build ## Fresh seeds for SECONDS=120, FROM=… on
	$(SIMULATE) --seconds $(or $(SECONDS),120) --from-seed "$(or $(FROM),$(FRESH))"

.PHONY: soak
soak: ## All that is long, with fresh seeds and chaos for SECONDS=600: an hour and a half
	@$(LANES) $(SOAK)

MUTATE = '$(TARGET)/debug/mutants'

.PHONY: mutants
mutants: build ## Break the operator on purpose, one rule at a time: which test, script or seed notices? MUTANTS='name …' for some
	$(MUTATE) --seconds $(or $(EACH),60) --from-seed "$(or $(FROM),$(FRESH))" $(MUTANTS)

.PHONY: mutants-unit
mutants-unit: build ## The same for those rules that a unit test holds, by that test alone
	$(MUTATE) --unit $(MUTANTS)

.PHONY: mutants-simulated
mutants-simulated: build ## The same for those rules that take a whole operator: by known scripts, or within a minute of seeds
	$(MUTATE) --simulation $(MUTANTS)

FUZZ_TARGETS := answers credentials objects plans targets
# What cargo-fuzz passes, less the sanitizer: none of this needs a nightly compiler, and no code of ours is unsafe.
FUZZ_FLAGS := --cfg libfuzzer -Cpasses=sancov-module -Cllvm-args=-sanitizer-coverage-level=4 \
	-Cllvm-args=-sanitizer-coverage-inline-8bit-counters -Cllvm-args=-sanitizer-coverage-pc-table \
	-Cllvm-args=-sanitizer-coverage-trace-compares

.PHONY: fuzz
fuzz: need-rust ## Let libFuzzer look for input that breaks a property, EACH=60 seconds for each of FUZZ_TARGETS
	@command -v c++ > /dev/null || $(call missing,c++ was not found: install a C++ compiler$(comma) such as the package g++)
	@SECONDS_EACH='$(or $(EACH),60)' FUZZ_FLAGS='$(FUZZ_FLAGS)' TARGET='$(abspath $(TARGET))/fuzz' fuzz/run $(FUZZ_TARGETS)

.PHONY: chaos
chaos: build control-plane ## kill -9, SIGTERM and SIGSTOP of operators, API server and etcd for SECONDS=600; SEED=… repeats a plan, DIR=… keeps logs
	'$(TARGET)/debug/chaos' --seconds $(or $(SECONDS),600) --operator '$(TARGET)/debug/miniprogram-operator' \
		$(if $(SEED),--seed '$(SEED)') $(if $(DIR),--dir '$(DIR)')

.PHONY: chaos-short
chaos-short:
	@$(MAKE) chaos SECONDS=60

# The operator as the image has it. What measures it is optimised too, since both share the processors.
.PHONY: bench
bench: need-rust need-go need-musl ## What the operator costs beside the limit of the API server, held to budgets; BENCH=1000 for a short run, ROWS=… for some rows
	$(release) $(amd64)
	cargo build --locked --release -p bench
	'$(TARGET)/release/bench' --operator '$(call program,amd64)' --json '$(TARGET)/bench/bench.json' \
		$(if $(BENCH),--apps '$(BENCH)') $(if $(ROWS),--rows '$(ROWS)') $(if $(BENCH)$(ROWS),,--chart docs/bench.svg)

# What measures is not optimised here, so that nothing is built for it: its limit takes longer, and the ratio is lower.
.PHONY: bench-short
bench-short: build need-go need-musl ## The row first-issue of `make bench` at 1,000 apps: its counts, and its ratio to the limit
	$(release) $(amd64)
	'$(TARGET)/debug/bench' --operator '$(call program,amd64)' --json '$(TARGET)/bench/short.json' --apps 1000 --rows first-issue

# It installs from five ecosystems, so it is no part of `make ci`.
.PHONY: sdk-check
sdk-check: build need-sdks ## Each recipe of docs/sdks.md, with the real SDK, while the mounted token is replaced; ONLY='node/wechat-api.js …' for some
	@BIN='$(abspath $(TARGET))/debug' SDKS='$(CACHE)/sdks' tests/sdks/check

.PHONY: profiles
profiles: need-rust ## What is optimised in the profile of all tests, beside less and more: prints a table
	@TARGET='$(abspath $(TARGET))' .ci/profiles

.PHONY: lint
lint: fmt-check clippy ## Formatting and clippy

.PHONY: fmt
fmt: need-rustfmt ## Format all Rust files
	$(RUST_FILES) | $(RUSTFMT)

.PHONY: fmt-check
fmt-check: need-rustfmt
	$(RUST_FILES) | $(RUSTFMT) --check

.PHONY: clippy
clippy: need-clippy
	cargo clippy --locked --workspace --all-targets -- -D warnings

.PHONY: check-docs docs-in-step
check-docs: ## Whether the pages in English and Chinese were changed together, and their links lead somewhere
	@tests/docs/check
docs-in-step: ## Say that the pages in both languages have been read and say the same
	@tests/docs/check --in-step

.PHONY: doc
doc: need-rust ## Documentation of the code, into target/doc
	RUSTDOCFLAGS='-D warnings' cargo doc --locked --workspace --no-deps

.PHONY: deny
deny: need-rust $(CARGO_DENY) ## Licences and sources of all dependencies
	'$(CARGO_DENY)' --locked check bans licenses sources

.PHONY: crds
crds: build ## Generate crds/ from src/api
	'$(TARGET)/debug/miniprogram-operator' crd > crds/miniprograms.yaml.new || { rm -f crds/miniprograms.yaml.new; exit 1; }
	mv crds/miniprograms.yaml.new crds/miniprograms.yaml

.PHONY: check-generated
check-generated: build ## Whether crds/ is what `make crds` would write
	@generated=$$(mktemp); trap 'rm -f "$$generated"' EXIT; \
	'$(TARGET)/debug/miniprogram-operator' crd > "$$generated"; \
	diff -u crds/miniprograms.yaml "$$generated" || { echo 'crds/miniprograms.yaml is not what src/api says: run `make crds`' >&2; exit 1; }

.PHONY: ci
ci: ## All that CI checks, with the time of each step
	@$(LANES) $(CI)

##@ Prepare and clean up

.PHONY: control-plane
control-plane: build need-go ## Build etcd and Kubernetes from source, once per machine, into the cache
	@'$(TARGET)/debug/local-cluster' binaries

.PHONY: prepare
prepare: control-plane need-node need-musl tools ## Install and build what the tests on a node and of the chart need, and run none

.PHONY: clean
clean: need-rust ## Remove what was built here; the cache in ~/.cache/miniprogram-operator stays
	cargo clean

include deploy/deploy.mk
include deploy/release/release.mk

$(CARGO_DENY):
	cargo install cargo-deny --locked --version $(CARGO_DENY_VERSION) --root '$(CACHE)/tools/cargo-deny-$(CARGO_DENY_VERSION)'

# What a fresh machine may lack, each with one line that names it.

missing = { echo 'make: $(1)' >&2; exit 1; }

.PHONY: need-rust need-rustfmt need-clippy need-go
need-rust:
	@command -v cargo > /dev/null || $(call missing,cargo was not found: install Rust 1.95 or newer from https://rustup.rs)
	@command -v cc > /dev/null || $(call missing,cc was not found: install a C compiler$(comma) such as the package gcc)

need-rustfmt: need-rust
	@rustfmt --version > /dev/null 2>&1 || $(call missing,rustfmt was not found: run `rustup component add rustfmt`)

need-clippy: need-rust
	@cargo clippy --version > /dev/null 2>&1 || $(call missing,clippy was not found: run `rustup component add clippy`)

# Whoever has the binaries of a control plane already needs no Go.
need-go:
	@[[ -n $${KUBEBUILDER_ASSETS:-} ]] || command -v go > /dev/null || \
		$(call missing,go was not found: install Go 1.26 or newer$(comma) or set KUBEBUILDER_ASSETS to a folder with etcd$(comma) kube-apiserver$(comma) kube-controller-manager and kubectl)

comma := ,
