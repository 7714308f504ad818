# Speed: the benchmarks of the packages, and the whole program beside others.

BENCHRUNS ?= 7

.PHONY: bench bench-go bench-peers

bench: bench-go bench-peers ## every benchmark, and docs/benchmarks.md anew (20 GB in TMPDIR, half an hour)

bench-go: setup ## the benchmarks of codec, reader, engine with rules, and formats
	go test -run '^$$' -bench . -benchmem ./...

bench-peers: build ## compare with tcpdump, tshark, gzip and zstd where they are; writes docs/benchmarks.md
	go build -trimpath -o bin/capgen ./cmd/capgen
	go run ./scripts/bench -runs $(BENCHRUNS) -o docs/benchmarks.md
