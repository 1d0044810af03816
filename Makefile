# Assay: `make help` lists the targets. Go alone is enough for most of them; `make test`
# fetches what it needs beyond that into the cache folder and says what it could not run.
SHELL := /bin/bash
export CGO_ENABLED := 0
GO ?= go
TOOLS := $(GO) tool -modfile=scripts/tools/go.mod

.PHONY: help check test prove race bench demo golden generate fuzz clean

help: ## this list
	@grep -hE '^[a-z]+:.*##' $(MAKEFILE_LIST) | sed -E 's/:.*## /\t/' | expand -t 12

check: ## formatting, vet, staticcheck, build without cgo, Wasm build, generated code, tidy
	@scripts/check

test: ## all tests, sampled at fixed seeds; ends with what was not run and why
	@scripts/test

prove: ## the full counts, in parts; PART=name runs one part
	@scripts/prove $(PART)

race: ## tests of the packages with locks under the race detector (needs a C compiler)
	CGO_ENABLED=1 $(GO) test -race -short ./ic/agent/... ./ic/replica/... ./orchestrator/... ./client/...

bench: ## benchmarks: jobs/s, ms per update and query, embeddings/s, instructions per method
	@scripts/bench

demo: ## the whole story on this machine
	$(GO) run ./cmd/assay demo

generate: ## regenerate *_gen.go
	$(GO) generate ./...

golden: ## rewrite golden files; read the diff before you commit it
	$(GO) test $$(grep -rl --include=*_test.go '"update"' . | xargs -n1 dirname | sort -u) -run "Golden|Layout" -update

fuzz: ## every fuzz target for FUZZTIME (30s)
	@scripts/fuzz $(or $(FUZZTIME),30s)

clean: ## remove what this folder built; the cache folder stays
	rm -rf bin
