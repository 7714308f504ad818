.PHONY: docs

docs: build ## write docs/rules.md from the rules
	bin/nbtrace rules list --format markdown > docs/rules.md
