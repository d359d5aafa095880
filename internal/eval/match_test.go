package eval

import (
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/guidon-flags/guidon/internal/dates"
	"github.com/guidon-flags/guidon/internal/feature"
)

// Now of the tests that name none.
var testNow = time.Date(2024, 3, 31, 12, 0, 0, 0, time.UTC)

// filter is a property filter with the value that valueOf makes of value.
func filter(op feature.Operator, value any) feature.Property {
	return feature.Property{Key: "key", Operator: op, Value: valueOf(value)}
}

// workload has for each operator a filter and properties that take each of its
// ways through the code.
var workload = []struct {
	op         feature.Operator
	value      any
	properties []any
}{
	{feature.Exact, "Pro", []any{"pro", "PRO", "free", "été", 5, true}},
	{feature.Exact, []any{"pro", "Team"}, []any{"TEAM", "free", "été"}},
	{feature.Exact, manyTexts(40), []any{"TEXT-7", "none", "ÉTÉ", strings.Repeat("é", 200)}},
	{feature.IsNot, "ΟΔΟΣ", []any{"οδός", "ΟΔΟΣ"}},
	{feature.Exact, []any{}, []any{true, "x"}},
	{feature.Exact, true, []any{true, "TRUE", "x"}},
	{feature.IsSet, nil, []any{"x"}},
	{feature.IsNotSet, nil, []any{"x"}},
	{feature.IContains, "@acme", []any{"jo@ACME.io", strings.Repeat("a", 3000)}},
	{feature.NotIContains, "@", []any{"jo@acme.io", "x"}},
	{feature.IContainsMulti, []any{"acme", "éx"}, []any{"jo@ACME.io", "ÉX", "none"}},
	{feature.NotIContainsMulti, []any{"acme", "éx"}, []any{"jo@ACME.io", "none"}},
	{feature.StartsWith, "Jo", []any{"jo@acme.io", "x"}},
	{feature.NotStartsWith, "Jo", []any{"jo@acme.io", "x"}},
	{feature.EndsWith, ".IO", []any{"jo@acme.io", "x"}},
	{feature.NotEndsWith, ".IO", []any{"jo@acme.io", "x"}},
	{feature.GT, 5, []any{4, "6.5", "x", true}},
	{feature.GTE, "5", []any{4, "nan"}},
	{feature.LT, 5, []any{4.25, "-inf"}},
	{feature.LTE, 5, []any{4}},
	{feature.Between, []any{1, 5}, []any{3, "7"}},
	{feature.NotBetween, []any{1, 5}, []any{3, "x"}},
	{feature.SemverEQ, "1.2.3", []any{"1.2.3", "x"}},
	{feature.SemverNEQ, "1.2.3", []any{"1.2.3-rc.1+b", 1.5}},
	{feature.SemverGT, "1.2.3-alpha.2", []any{"1.2.3-alpha.11"}},
	{feature.SemverGTE, "1.2.3", []any{"v1.10"}},
	{feature.SemverLT, "1.2.3", []any{"v1.10"}},
	{feature.SemverLTE, "1.2.3", []any{"v1.10"}},
	{feature.SemverTilde, "1.2", []any{"1.2.9"}},
	{feature.SemverCaret, "1.2", []any{"1.3"}},
	{feature.SemverWildcard, "1.2.*", []any{"1.2.7"}},
	{feature.IsDateBefore, "-30d", []any{"2024-03-30", 1717200000, "x"}},
	{feature.IsDateAfter, "2024-06-01", []any{"2024-06-01T10:00:00+02:00", "2024-06-01 10:00"}},
	{feature.IsDateExact, "2024-06-01", []any{"1717200000", "Fri, 21 Nov 1997 09:55:06 -0600"}},
}

func manyTexts(n int) []any {
	texts := make([]any, n)
	for i := range texts {
		texts[i] = fmt.Sprint("Text-", i)
	}
	return texts
}

func TestWorkloadHasEveryOperator(t *testing.T) {
	elsewhere := []feature.Operator{feature.Regex, feature.NotRegex, feature.In, feature.NotIn, feature.FlagEvaluatesTo}
	for _, op := range feature.Operators() {
		listed := slices.Contains(elsewhere, op)
		for _, w := range workload {
			listed = listed || w.op == op
		}
		if !listed {
			t.Errorf("no case for %s", op)
		}
	}
}

func TestMatchDoesNotAllocate(t *testing.T) {
	newYork := dates.LoadLocation("America/New_York")
	m := &moment{now: testNow}
	for _, explicit := range []bool{false, true} {
		for _, w := range workload {
			compiled, fault := compileMatcher(filter(w.op, w.value), matchOptions{explicit: explicit, location: newYork})
			if fault != "" {
				t.Errorf("%s %v: %s", w.op, w.value, fault)
			}
			for _, p := range append(w.properties, nil) {
				v := valueOf(p)
				if n := testing.AllocsPerRun(20, func() { compiled.match(v, m) }); n != 0 {
					t.Errorf("%s %v on %v allocates %v times", w.op, w.value, p, n)
				}
			}
			compiled.match(feature.Value{}, m)
		}
	}
}

func TestCompileMatcherFaults(t *testing.T) {
	for _, c := range []struct {
		op    feature.Operator
		value any
	}{
		{feature.Regex, "("},
		{feature.NotRegex, "(?<=a+)"},
		{feature.GT, "x"},
		{feature.LTE, true},
		{feature.Between, 1},
		{feature.Between, []any{2, 1}},
		{feature.NotBetween, []any{1, "nan"}},
		{feature.SemverEQ, "x"},
		{feature.SemverCaret, "1.x"},
		{feature.SemverWildcard, "*.*"},
		{feature.IsDateBefore, "x"},
		{feature.IsDateAfter, 5},
		{feature.IsDateExact, "2024-02-30"},
		{feature.In, 5},
		{feature.NotIn, 5},
		{feature.FlagEvaluatesTo, true},
		{"unheard_of", "x"},
	} {
		m, fault := compileMatcher(filter(c.op, c.value), matchOptions{})
		if m == nil || fault == "" {
			t.Errorf("%s %v: fault %q, matcher %v", c.op, c.value, fault, m)
		}
		if got := m.match(feature.Text("x"), &moment{}); got == yes {
			t.Errorf("%s %v matches", c.op, c.value)
		}
	}
	gap := filter(feature.IsDateBefore, "2024-03-10 02:30")
	if _, fault := compileMatcher(gap, matchOptions{location: dates.LoadLocation("America/New_York")}); fault == "" {
		t.Error("a time that does not exist has no fault")
	}
}

// TestPatternVerdicts tells an invalid pattern, which is no error in v1 but one
// in rules v2, from an exceeded budget and from other errors.
func TestPatternVerdicts(t *testing.T) {
	for _, c := range []struct {
		op    feature.Operator
		value any
		prop  feature.Value
		want  verdict
		fault bool
	}{
		{feature.Regex, "(", feature.Text("x"), verdictPattern, true},
		{feature.NotRegex, "(", feature.Text("x"), verdictPattern, true},
		{feature.Regex, "(", feature.Value{}, no, true},
		{feature.NotRegex, "(", feature.Value{}, yes, true},
		{feature.Regex, "x", feature.Text("x"), yes, false},
		{feature.NotRegex, `^(a+)+\1$`, feature.Text(strings.Repeat("a", 30) + "!"), verdictBudget, false},
		{feature.GT, 5, feature.Text("x"), verdictInvalid, false},
	} {
		m, _ := compileMatcher(filter(c.op, c.value), matchOptions{})
		if got := m.match(c.prop, &moment{}); got != c.want {
			t.Errorf("%s %v on %v: %v, want %v", c.op, c.value, c.prop, got, c.want)
		}
		if got := patternFault(m); got != c.fault {
			t.Errorf("%s %v: patternFault = %t", c.op, c.value, got)
		}
	}
}

func TestVerdicts(t *testing.T) {
	texts := map[string]bool{}
	for v := no; v <= verdictBudget; v++ {
		if (v.err() != nil) != v.isError() {
			t.Errorf("%v: isError %t, err %v", v, v.isError(), v.err())
		}
		texts[v.String()] = true
	}
	if len(texts) != int(verdictBudget)+1 {
		t.Errorf("verdicts share texts: %v", texts)
	}
}

func TestMatchPropertyErrors(t *testing.T) {
	props := map[string]feature.Value{"key": feature.Text("x")}
	for _, c := range []struct {
		filter feature.Property
		props  map[string]feature.Value
		want   error
	}{
		{filter(feature.Exact, "x"), nil, ErrMissingProperty},
		{filter(feature.GT, 5), props, ErrInvalidProperty},
		{filter(feature.Regex, `^(a+)+\1$`), map[string]feature.Value{"key": feature.Text(strings.Repeat("a", 40))}, nil},
		{filter(feature.Regex, `(?=x)`), map[string]feature.Value{"key": feature.Text(strings.Repeat("a", 1<<17))}, ErrPatternBudget},
		{filter(feature.Regex, "("), props, nil},
	} {
		if _, err := MatchProperty(c.filter, c.props, true, true, nil, testNow); !errors.Is(err, c.want) {
			t.Errorf("%s %v: error %v, want %v", c.filter.Operator, c.filter.Value, err, c.want)
		}
	}
}

func TestLower(t *testing.T) {
	// Both ways to lower-case agree with each other.
	for _, s := range []string{"", "aBC", "ÄÖ", "İI", "ΑΣ", "ΑΣΑ", "Α\u0301Σ'", "Σ", "ẞ", "\u212a", "\xff", "a\xc3", "ǅ", "Ⱥ"} {
		lowered := lower(s)
		if !equalLowered(s, lowered) {
			t.Errorf("equalLowered(%q, %q) = false", s, lowered)
		}
		if lowered != "" && (equalLowered(s, lowered[1:]) || equalLowered(s, lowered+"x") || equalLowered(s+"x", lowered)) {
			t.Errorf("equalLowered(%q, …) holds for less or more than %q", s, lowered)
		}
	}
}

func BenchmarkMatch(b *testing.B) {
	m := &moment{now: testNow}
	for _, w := range workload {
		compiled, _ := compileMatcher(filter(w.op, w.value), matchOptions{explicit: true})
		v := valueOf(w.properties[0])
		name := string(w.op)
		if len(valueOf(w.value).Items()) > 0 {
			name = fmt.Sprint(name, "/of_", len(valueOf(w.value).Items()))
		}
		b.Run(name, func(b *testing.B) {
			b.ReportAllocs()
			for b.Loop() {
				compiled.match(v, m)
			}
		})
	}
}
