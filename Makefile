# Thin on purpose: what is worth reading is in .ci/, models/fetch.py and `precis --help`.
.DEFAULT_GOAL := help
.PHONY: help setup setup-test build run test bench fmt lint deny docs ci samples clean-data

DATA    ?= precis-data
# The documents are numbered; what makes and explains them is not.
SAMPLES := $(sort $(wildcard samples/[0-9]*.*))
PRECIS  := target/release/precis

help: ## this list
	@echo "Precis turns documents into short summaries that cite their pages."
	@echo
	@echo "  make run     summarizes the documents in samples/, here, with no account and no service"
	@echo "  make test    passes all the tests"
	@echo
	@awk -F ':.*## ' '/^[a-z-]+:.*## / { printf "  make %-12s%s\n", $$1, $$2 }' $(MAKEFILE_LIST)
	@echo
	@echo "Then: $(PRECIS) summarize FILE…   or   $(PRECIS) --help"

setup: ## install what is missing (Debian packages, the model), and say so
	@.ci/setup

setup-test:
	@.ci/setup --test

build: ## leave target/release/precis
	cargo build --release --locked --workspace --bin precis

run: setup build ## the main job on real documents: every one in samples/, summarized and cited
	@$(PRECIS) summarize --data $(DATA) --progress $(if $(CI),plain,auto) $(SAMPLES)
	@echo
	@echo "Results (.md, .json, and .txt with the text that was read): $(DATA)/results/"
	@echo "E-mails as subscribers get them:                           $(DATA)/outbox/"
	@echo "A document of your own:    $(PRECIS) summarize FILE"
	@echo "A folder to drop files in: $(PRECIS) up --data $(DATA) --inbox FOLDER"

test: setup-test build ## all the tests
	docker/host/emulators run cargo test --release --locked --workspace

bench: setup-test ## measure, and write docs/benchmarks.md
	cargo build --release --locked --workspace --bins
	target/release/bench

fmt: ## format the code
	cargo fmt --all

lint: ## formatting and clippy, warnings denied
	cargo fmt --all --check
	cargo clippy --release --locked --workspace --all-targets -- -D warnings

deny: ## licences, sources and who may import whom
	@.ci/deny

docs: ## the API pages, warnings denied
	RUSTDOCFLAGS="-D warnings" cargo doc --release --locked --no-deps --workspace

ci: ## all that must hold before a change lands
	@.ci/run

samples: ## write the sample documents anew (they are in git; this is for changing them)
	@python3 samples/make.py

clean-data: ## forget what `make run` did
	rm -rf -- "$(DATA)"
