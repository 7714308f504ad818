# The HTML report in a real browser.

SHOTS ?=

.PHONY: setup-browser test-browser

setup-browser: ## install what the browser tests need: Chromium, axe-core, tshark
	@mkdir -p bin
	@scripts/setup-browser.sh >bin/axe.path

test-browser: setup setup-browser ## the HTML report in Chromium, with axe; SHOTS=DIR keeps pictures
	NBTRACE_AXE="$$(cat bin/axe.path)" NBTRACE_SHOTS="$(SHOTS)" NBTRACE_TSHARK=1 \
		go test -count=1 -tags browser -run 'TestBrowser|TestTshark' ./analyze/report
