.PHONY: test-live bench-live

# Network namespaces and veth pairs of their own, named lv-*, are made and
# removed by the tests; nothing outside of them is touched.
test-live: setup ## run the live tests: namespaces, real Samba (root, Debian)
	@scripts/live-setup.sh
	go test -tags live -count=1 ./captures/live
	go test -tags live -count=1 -timeout 20m -run '^TestLive|^TestConfined' -v ./cmd/nbtrace

bench-live: setup ## compare loss and CPU with tcpdump and dumpcap (root); writes docs/live-benchmarks.md
	@scripts/live-setup.sh
	NBTRACE_BENCHMARK=$(CURDIR)/docs/live-benchmarks.md go test -tags live -count=1 -timeout 30m -run '^TestLiveBenchmark$$' -v ./cmd/nbtrace
