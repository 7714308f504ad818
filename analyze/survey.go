package analyze

import (
	"math"
	"time"

	"nbtrace/analyze/hosts"
	"nbtrace/analyze/names"
)

// surveyEvery is how often, in capture time, the rules survey what is known.
const surveyEvery = 10 * time.Minute

// surveyor is a rule that surveys, with the names that it is to look over.
type surveyor struct {
	rule  *Rule
	names []*names.State
}

// Survey is what a rule sees when it looks over everything that is known.
type Survey struct {
	Rule  *Rule
	Names []*names.State // of Rule.Surveys, that something was added to lately, in order of appearance
	Table *names.Table
	Hosts *hosts.Registry
	Start int64 // ns, of the first frame
	Since int64 // ns: what was so before was seen by the survey before; the last survey begins anew
	Now   int64 // ns, of the survey
	Ended bool  // the capture has ended

	lately    int64 // ns, since when something was added to names that are surveyed
	anomalies *anomalies
	report    func(Finding)
}

// Report hands over a finding, with First, Last and Count filled in; Count is
// the total, not what came since the last survey.
func (s *Survey) Report(f Finding) { s.report(f) }

// Lately goes over all names that something was added to since the survey
// before the last one: what a rule waits for after the last message of a name
// must have had its time.
func (s *Survey) Lately(do func(*names.State)) { s.Table.Since(s.lately, do) }

// Anomalies lists what was odd about frames, by first appearance.
func (s *Survey) Anomalies(k AnomalyKind) []*Anomaly { return s.anomalies.sorted(k) }

func (e *Engine) runSurveys(now int64, ended bool) {
	if len(e.surveys) == 0 {
		return
	}
	lately := now - 2*int64(surveyEvery)
	e.names.Since(lately, func(st *names.State) {
		for i := range e.surveys {
			if r := &e.surveys[i]; r.rule.Surveys != nil && r.rule.Surveys(st) {
				r.names = append(r.names, st)
			}
		}
	})
	since := now - int64(surveyEvery)
	if ended {
		since = math.MinInt64
	}
	for i := range e.surveys {
		r := &e.surveys[i]
		s := &Survey{Rule: r.rule, Names: r.names, Table: e.names, Hosts: e.hosts, Start: e.first, Since: since, lately: lately, Now: now, Ended: ended, anomalies: &e.anomalies}
		s.report = func(f Finding) {
			f.Count = max(f.Count, 1)
			e.take(r.rule, f, 0)
		}
		r.rule.Survey(s)
		r.names = r.names[:0]
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
