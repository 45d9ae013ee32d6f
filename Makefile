# Thin on purpose: what is worth reading is in .ci/, models/fetch.py and `precis --help`.
.DEFAULT_GOAL := help
.PHONY: help setup setup-test setup-bench build programs run test bench bench-models eval examples scaling fmt lint deny docs check-cuda ci \
	samples clean-data stack-host stack-host-smoke stack-host-down stack-up stack-smoke stack-logs stack-down soak rolling images infra \
	plan deploy diff destroy

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
	@awk -F ':.*## ' '/^[a-z-]+:.*## / { printf "  make %-17s%s\n", $$1, $$2 }' $(MAKEFILE_LIST)
	@echo
	@echo "Then: $(PRECIS) summarize FILE…   or   $(PRECIS) --help"

setup: ## install what is missing (Debian packages, the model), and say so
	@.ci/setup

setup-test:
	@.ci/setup --test

setup-bench:
	@.ci/setup --bench

build: ## leave target/release/precis
	cargo build --release --locked --workspace --bin precis

programs: ## leave every program in target/release: the services and textract-local, too
	cargo build --release --locked --workspace --bins

run: setup build ## the main job on real documents: every one in samples/, summarized and cited
	@$(PRECIS) summarize --data $(DATA) --progress $(if $(CI),plain,auto) $(SAMPLES)
	@echo
	@echo "Results (.md, .json, and .txt with the text that was read): $(DATA)/results/"
	@echo "E-mails as subscribers get them:                           $(DATA)/outbox/"
	@echo "A document of your own:    $(PRECIS) summarize FILE"
	@echo "A folder to drop files in: $(PRECIS) up --data $(DATA) --inbox FOLDER"

# The program first, with the same features as the tests: built apart it would compile 33 crates twice.
test: setup-test ## all the tests
	cargo build --release --locked --workspace --bins
	cargo test --release --locked --workspace

bench: setup-bench ## measure, and write docs/benchmarks.md
	cargo build --release --locked --workspace --bins
	target/release/bench

bench-models: setup ## measure the transformers beside their peers (PARTS=encoder or decoder for one; some GB of peers)
	@benches/models/run $(PARTS)

# ARGS="--no-model", "--only peps,office", … : see benches/eval/evaluate.py
eval: setup ## how good are the summaries? (docs/evaluation.md; ARGS=--no-model takes a minute)
	@benches/eval/run $(ARGS)

examples: setup ## real documents and the e-mails about them (docs/examples.md)
	@benches/eval/run examples

fmt: ## format the code
	cargo fmt --all

lint: ## formatting and clippy, warnings denied
	cargo fmt --all --check
	cargo clippy --release --locked --workspace --all-targets -- -D warnings

deny: ## licences, sources and who may import whom
	@.ci/deny

docs: ## the API pages, warnings denied
	RUSTDOCFLAGS="-D warnings" cargo doc --release --locked --no-deps --workspace

check-cuda: ## compile what runs on an NVIDIA GPU, without one (docs/containers.md)
	@.ci/check-cuda

ci: ## all that must hold before a change lands
	@.ci/run

samples: ## write the sample documents anew (they are in git; this is for changing them)
	@python3 samples/make.py

clean-data: ## forget what `make run` did
	rm -rf -- "$(DATA)"

# The services on emulators of AWS. Waited for by name: --wait takes a one-shot service that has ended for a failed one.
stack-up: ## the services in containers, on LocalStack, with a mail catcher (docs/containers.md)
	docker compose up --build --detach --wait textract-local mail forwarder ingest ocr summarize notify
	@echo "E-mails: http://127.0.0.1:8025   AWS: http://127.0.0.1:4566   Then: make stack-smoke, stack-logs, stack-down"

stack-smoke: ## put a document into it and print the e-mail
	docker compose run --rm smoke

stack-logs: ## follow its logs
	docker compose logs --follow --tail 50

stack-down: ## end it and forget what it held
	docker compose --profile smoke down --volumes --timeout 120

stack-host: setup programs ## the same services as processes, without Docker
	@docker/host/stack up

stack-host-smoke:
	@docker/host/stack smoke

stack-host-down: ## end them
	@docker/host/stack down

soak: setup-test programs ## the storm of events, the quotas and a burst of e-mails at full size, on emulators
	PRECIS_SOAK=1 docker/host/emulators run cargo test --release --locked --workspace --test stack -- --nocapture \
		--test-threads=1 storm throttle burst

FORMER ?= HEAD~1
rolling: setup-test ## workers of a former commit (FORMER=…) and of this one share the queues, there and back
	@.ci/former "$(FORMER)" target/former
	cargo build --release --locked --workspace --bins
	PRECIS_FORMER=$(CURDIR)/target/former docker/host/emulators run cargo test --release --locked --workspace \
		--test stack -- --nocapture rolling

images: ## every container image, compiled in the build
	@docker/images

infra: ## check the CloudFormation templates
	@infra/check

# What is deployed where: infra/environments/ENV.yml. ARGS=--yes asks nothing (docs/deploy.md).
plan: ## what a deployment would change (ENV=NAME)
deploy: ## make or change a deployment in an AWS account (ENV=NAME, docs/deploy.md)
diff: ## how the templates here differ from those deployed (ENV=NAME)
destroy: ## take a deployment down; its documents stay (ENV=NAME)
plan deploy diff destroy:
	@infra/deploy $@ $(if $(ENV),"$(ENV)",$(error ENV is missing: make $@ ENV=NAME, for infra/environments/NAME.yml)) $(ARGS)

# ARGS=10000 is so many loads, ARGS=600 is quicker
scaling: ## simulate how the services scale, and write docs/scaling.md
	@benches/scaling/run.sh $(ARGS)
