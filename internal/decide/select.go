package decide

import (
	"slices"
	"strings"

	"github.com/guidon-flags/guidon/internal/eval"
	"github.com/guidon-flags/guidon/internal/feature"
	"github.com/guidon-flags/guidon/internal/snapshot"
)

// SurveyPrefix begins the keys of flags that target surveys (7.3).
const SurveyPrefix = "survey-targeting-"

// masks holds for each RuntimeSet which flags of a version it filters out; nil
// where it filters none. Most requests differ in nothing else.
type masks [1 << 3][]bool

var runtimeMasks = snapshot.NewDerived(func(v *snapshot.Version) *masks {
	var m masks
	n := v.Program.Len()
	for set := range m {
		for i := range n {
			if feature.RuntimeSet(set).Has(v.Program.Flag(i).Runtime) {
				continue
			}
			if m[set] == nil {
				m[set] = make([]bool, n)
			}
			m[set][i] = true
		}
	}
	return &m
})

// choose finds out which flags req is about (section 7). The filters by
// runtime, context and survey win over keys.
func (ans *Answer) choose(v *snapshot.Version, req *Request) eval.Selection {
	p := v.Program
	var sel eval.Selection
	if req.Runtimes != 0 {
		sel.Excluded = runtimeMasks.Of(v)[req.Runtimes&(1<<3-1)]
	}
	if req.SurveysOnly || len(req.Contexts) > 0 {
		ans.contexts = append(ans.contexts[:0], req.Contexts...)
		slices.Sort(ans.contexts) // a request may have thousands
		ans.excluded = append(ans.excluded[:0], sel.Excluded...)
		ans.excluded = cleared(ans.excluded, len(sel.Excluded), p.Len())
		for i := range p.Len() {
			ans.excluded[i] = ans.excluded[i] || filtered(p.Flag(i), req.SurveysOnly, ans.contexts)
		}
		sel.Excluded = ans.excluded
	}
	if !req.AllKeys {
		ans.wanted = cleared(ans.wanted, 0, p.Len())
		for _, key := range req.Keys {
			if i, ok := p.Index(key); ok {
				ans.wanted[i] = true
			}
		}
		sel.Wanted = ans.wanted
	}
	return sel
}

// filtered reports whether f is left out because it targets no survey, or
// because it has contexts but none of contexts, which are sorted. No contexts
// are no restriction.
func filtered(f *feature.Flag, surveysOnly bool, contexts []string) bool {
	if surveysOnly && !strings.HasPrefix(f.Key, SurveyPrefix) {
		return true
	}
	return len(contexts) > 0 && len(f.EvaluationContext) > 0 &&
		!slices.ContainsFunc(f.EvaluationContext, func(c string) bool { _, ok := slices.BinarySearch(contexts, c); return ok })
}

// cleared returns b with n elements, those from place keep on false.
func cleared(b []bool, keep, n int) []bool {
	b = slices.Grow(b[:keep], n-keep)[:n]
	clear(b[keep:])
	return b
}
