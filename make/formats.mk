# The export formats, read by programs that are not ours.

.PHONY: test-formats

test-formats: build ## tables in LibreOffice, DuckDB and hyparquet, and a million rows in little memory
	@scripts/formats.sh
