# `make` lists the targets.

GO        ?= go
BIN       := bin/guidon
VERSION   := $(shell git describe --tags --always --dirty 2>/dev/null || echo dev)
LDFLAGS   := -s -w -X main.version=$(VERSION)
GOLANGCI  := github.com/golangci/golangci-lint/v2/cmd/golangci-lint@v2.15.0
BENCHSTAT := golang.org/x/perf/cmd/benchstat@v0.0.0-20260908200009-22c9c6c9d4da
FUZZTIME  ?= 5m
DATA      ?= guidon-data

# Where the race run keeps its databases: in memory, if there is enough of it.
# `make test` runs the same tests on the real disk.
SCRATCH   := $(shell [ "$$(df -k --output=avail /dev/shm 2>/dev/null | tail -1)" -gt 4000000 ] 2>/dev/null && echo /dev/shm || echo "$${TMPDIR:-/tmp}")

.DEFAULT_GOAL := help

.PHONY: help
help: ## list the targets
	@awk -F ':.*## ' '/^[a-z-]+:.*## / {printf "  %-14s %s\n", $$1, $$2}' $(MAKEFILE_LIST)

.PHONY: build
build: ## build the binary into bin/
	CGO_ENABLED=0 $(GO) build -trimpath -ldflags '$(LDFLAGS)' -o $(BIN) ./cmd/guidon

.PHONY: run
run: build ## start a server on 127.0.0.1:8000 with its data in ./guidon-data
	@$(BIN) serve --data $(DATA)

.PHONY: test
test: ## run everything: packages, conformance, real SDKs against the real binary
	$(GO) test ./...
	$(MAKE) e2e

.PHONY: e2e
e2e: build ## drive the official SDKs against the binary (installs Node packages; says what is missing)
	./e2e/run.sh

.PHONY: check
check: tidy-check lint race cross test ## what CI runs: module files, linters, race detector, all targets, all tests

.PHONY: lint
lint: ## formatting, vet, linters
	@out=$$(gofmt -l $$(git ls-files '*.go')); [ -z "$$out" ] || { echo "gofmt would change: $$out"; exit 1; }
	$(GO) vet ./...
	$(GO) run $(GOLANGCI) run ./...

.PHONY: tidy-check
tidy-check: ## go.mod and go.sum are tidy; the SQLite engine has the libc it was generated for
	$(GO) mod verify
	$(GO) mod tidy -diff
	@want=$$($(GO) mod download -json modernc.org/sqlite@$$($(GO) list -m -f '{{.Version}}' modernc.org/sqlite) | sed -n 's/.*"GoMod": "\(.*\)".*/\1/p' | xargs sed -n 's/.*modernc.org\/libc \(v[^ ]*\).*/\1/p'); \
	have=$$($(GO) list -m -f '{{.Version}}' modernc.org/libc); \
	[ "$$want" = "$$have" ] || { echo "modernc.org/libc is $$have, but modernc.org/sqlite was made for $$want"; exit 1; }

.PHONY: race
race: ## all package tests under the race detector, twice, in shuffled order (needs gcc)
	GUIDON_METAMORPHIC=10000 TMPDIR=$(SCRATCH) $(GO) test -race -shuffle=on -count=2 ./...

.PHONY: cross
cross: ## the binary builds for every published target
	@for t in linux/amd64 linux/arm64 darwin/arm64 windows/amd64; do \
		echo "build $$t"; \
		CGO_ENABLED=0 GOOS=$${t%/*} GOARCH=$${t#*/} $(GO) build -o /dev/null ./cmd/guidon || exit 1; \
	done

.PHONY: fuzz
fuzz: ## every fuzz target for FUZZTIME (default 5m) each
	@./scripts/fuzz.sh $(FUZZTIME)

.PHONY: bench
bench: build ## repeat the published figures (see bench/README.md)
	$(GO) test -run '^$$' -bench 'Decide' -benchmem -count 6 ./internal/eval | tee bench/core.txt
	$(GO) run $(BENCHSTAT) bench/core.txt
	cd bench && $(GO) run ./cmd/record

.PHONY: conformance
conformance: ## run the conformance cases of GUIDON_CONFORMANCE_DIR (default: ours) and print the counts
	$(GO) test -count=1 -v ./conformance/... | grep -E '^(conformance:|--- FAIL|    --- FAIL|        --- FAIL|FAIL|ok)'

.PHONY: clean
clean: ## remove what was built
	rm -rf bin
