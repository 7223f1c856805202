# Each target does its own set-up. `make demo` and `make test` need Node 20 or later with npm, and apt (or the programs on PATH).
SHELL := /bin/bash
NODE := node_modules/.bin/node
VERSION := $(shell sed -n 's/^  "version": "\(.*\)",$$/\1/p' package.json)
IMAGE ?= holdfast:$(VERSION)

.PHONY: setup demo demo-elasticsearch test test-all e2e e2e-all check bundle image benchmark benchmark-elasticsearch benchmark-operator readme deploy clean

setup: node_modules/.installed

node_modules/.installed: package.json package-lock.json
	@command -v npm >/dev/null || { echo 'Missing command "npm": install Node.js 20 or later with npm'; exit 1; }
	@npm ci --no-fund --no-audit --loglevel=error
	@test -x $(NODE) || { echo "Node 26 did not come with the dependencies: this platform is not among the optional dependencies in package.json"; exit 1; }
	@touch $@

demo: setup
	@$(NODE) --disable-warning=ExperimentalWarning test/demo.ts
	@$(NODE) --disable-warning=ExperimentalWarning test/demo-elasticsearch.ts --if-at-hand

demo-elasticsearch: setup
	@$(NODE) --disable-warning=ExperimentalWarning test/demo-elasticsearch.ts

test: setup bundle
	@$(NODE) --disable-warning=ExperimentalWarning test/tools/run-tests.ts

# Both guides of Stash and our tutorial, step by step on a real node; as root.
e2e: setup
	@$(NODE) --disable-warning=ExperimentalWarning test/tools/run-tests.ts --seeds

# Everything of "test" and more: test/e2e-all, the second S3 server and whatever else takes long to build.
test-all e2e-all: setup bundle
	@HOLDFAST_ALL_SERVERS=1 $(NODE) --disable-warning=ExperimentalWarning test/tools/run-tests.ts

check: setup
	@node_modules/.bin/biome check .
	@node_modules/.bin/tsc --noEmit

bundle: setup
	@$(NODE) --disable-warning=ExperimentalWarning test/tools/bundle.ts

# IMAGE=name:tag names it. BUILD_BASE is another Debian with Node and npm than the public one, SOURCE goes into a label, IMAGE_FLAGS to the builder.
image:
	@for builder in docker podman nerdctl; do \
	  if command -v $$builder >/dev/null && $$builder info >/dev/null 2>&1; then \
	    revision=$$(git diff --quiet HEAD 2>/dev/null && git rev-parse HEAD); \
	    echo "Building $(IMAGE) with $$builder"; \
	    exec $$builder build --tag '$(IMAGE)' $(if $(BUILD_BASE),--build-arg 'BUILD_BASE=$(BUILD_BASE)') \
	      --label org.opencontainers.image.version='$(VERSION)' $(if $(SOURCE),--label org.opencontainers.image.source='$(SOURCE)') \
	      $${revision:+--label org.opencontainers.image.revision=$$revision} $(IMAGE_FLAGS) .; \
	  fi; \
	done; \
	echo 'Cannot build the image: neither docker nor podman nor nerdctl is here and answers "info"; install one of them, or start its daemon' >&2; \
	exit 1

benchmark: setup bundle
	@$(NODE) --disable-warning=ExperimentalWarning test/benchmark/redis.ts

# As root, with a JDK.
benchmark-elasticsearch: setup bundle
	@$(NODE) --disable-warning=ExperimentalWarning test/benchmark/elasticsearch.ts

# On a real API server with its controllers; IDLE=SECONDS is how long it is watched while nothing happens.
benchmark-operator: setup
	@$(NODE) --disable-warning=ExperimentalWarning test/benchmark/operator.ts $(IDLE)

# Writes the tables of flags and exit codes into README.md, that of rights into SECURITY.md, and those of docs/reference.md.
readme: setup
	@$(NODE) --disable-warning=ExperimentalWarning test/tools/write-readme-tables.ts
	@$(NODE) --disable-warning=ExperimentalWarning test/tools/write-metrics-files.ts
	@$(NODE) --disable-warning=ExperimentalWarning test/tools/write-rights-table.ts
	@$(NODE) --disable-warning=ExperimentalWarning test/tools/write-reference.ts

# Writes what a cluster is given from the program's own tables; and dist/holdfast.yaml for the image; with PUSHGATEWAY_URL=… for
# that gateway instead of one of its own.
deploy: export IMAGE := $(IMAGE)
deploy: export PUSHGATEWAY_URL := $(PUSHGATEWAY_URL)
deploy: setup
	@$(NODE) --disable-warning=ExperimentalWarning deploy/generate.ts

clean:
	rm -rf dist node_modules
