.PHONY: corpus

# Twice, since the captures are embedded into the test that reads them.
corpus: ## write the scenarios' captures and all golden findings anew
	go test ./captures/corpus -run TestScenarioFiles -update
	go test ./captures/corpus -run TestGolden -update
	@git status --short captures/corpus
