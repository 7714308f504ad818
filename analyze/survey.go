package analyze

import (
	"time"

	"nbtrace/analyze/hosts"
	"nbtrace/analyze/names"
)

// surveyEvery is how often, in capture time, the rules survey what is known.
const surveyEvery = 10 * time.Minute

// Survey is what a rule sees when it looks over everything that is known.
type Survey struct {
	Rule  *Rule
	Names []*names.State // that something was added to lately, in order of appearance
	Table *names.Table
	Hosts *hosts.Registry
	Start int64 // ns, of the first frame
	Now   int64 // ns, of the survey
	Ended bool  // the capture has ended

	anomalies *anomalies
	report    func(Finding)
}

// Report hands over a finding, with First, Last and Count filled in; Count is
// the total, not what came since the last survey.
func (s *Survey) Report(f Finding) { s.report(f) }

// Anomalies lists what was odd about frames, by first appearance.
func (s *Survey) Anomalies(k AnomalyKind) []*Anomaly { return s.anomalies.sorted(k) }

func (e *Engine) runSurveys(now int64, ended bool) {
	if len(e.surveys) == 0 {
		return
	}
	// Twice the interval: what a rule waits for after the last message of a
	// name must have had its time.
	all := e.names.Since(now - 2*int64(surveyEvery))
	for _, r := range e.surveys {
		s := &Survey{Rule: r.rule, Names: all, Table: e.names, Hosts: e.hosts, Start: e.first, Now: now, Ended: ended, anomalies: &e.anomalies}
		s.report = func(f Finding) {
			f.Count = max(f.Count, 1)
			e.take(r.rule, f, 0)
		}
		r.rule.Survey(s)
	}
}

// surveyDue runs the survey that is due before t. Nothing is surveyed twice: a
// survey with no message since the one before is left out, so that a silence
// costs nothing and heartbeats within it change nothing.
func (e *Engine) surveyDue(t int64) {
	if e.fresh {
		e.clock = max(e.clock, e.survey)
		e.runSurveys(e.survey, false)
		e.fresh = false
		e.survey += int64(surveyEvery)
		return
	}
	e.survey += max(1, (t-1-e.survey)/int64(surveyEvery)) * int64(surveyEvery)
}
