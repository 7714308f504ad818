# nbtrace. `make help` lists the targets.

VERSION  ?= $(shell git describe --tags --always --dirty 2>/dev/null || echo unknown)
FUZZTIME ?= 30s
LDFLAGS   = -s -w -X main.version=$(VERSION)
DEMO      = captures/corpus/lab/03c-static-unique-refuses-multihomed.pcap

.PHONY: help setup build test lint demo fuzz clean

help: ## list the targets
	@awk -F ':.*## ' '/^[a-z-]+:.*## / { printf "  %-13s %s\n", $$1, $$2 }' $(MAKEFILE_LIST)

setup: ## install what is missing to build (libpcap's headers), or say how
	@scripts/setup.sh

build: setup ## build bin/nbtrace
	go build -trimpath -ldflags '$(LDFLAGS)' -o bin/nbtrace ./cmd/nbtrace

test: setup ## check formatting, vet, and run all tests
	@scripts/test.sh

lint: setup ## gofmt, go vet and, where it can be had, staticcheck
	@scripts/lint.sh all

demo: build ## diagnose a bundled real capture
	@echo
	@echo '$$ bin/nbtrace analyze $(DEMO)'
	@bin/nbtrace analyze $(DEMO)
	@echo
	@echo '$$ bin/nbtrace export findings --columns severity,verdict,rule,name,suffix,server $(DEMO)'
	@bin/nbtrace export findings --columns severity,verdict,rule,name,suffix,server $(DEMO)

fuzz: setup ## run every fuzz target for FUZZTIME each
	@scripts/fuzz.sh $(FUZZTIME)

clean: ## remove what was built
	rm -rf bin

include $(wildcard make/*.mk)
