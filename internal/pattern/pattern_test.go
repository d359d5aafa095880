package pattern

import (
	"encoding/json"
	"errors"
	"regexp"
	"strings"
	"testing"
	"unicode"
	"unicode/utf8"

	"github.com/guidon-flags/guidon/conformance"
)

// vectorCases are the patterns with subjects of the vector files.
func vectorCases(t testing.TB) (cases [][2]string) {
	t.Helper()
	for _, name := range []string{"properties_regex.json", "own_properties_regex.json"} {
		data, err := conformance.Files.ReadFile("vectors/" + name)
		if err != nil {
			t.Fatal(err)
		}
		var vectors []struct {
			Filter     struct{ Value json.RawMessage }
			Properties map[string]json.RawMessage
		}
		if err := json.Unmarshal(data, &vectors); err != nil {
			t.Fatalf("%s: %v", name, err)
		}
		for _, v := range vectors {
			cases = append(cases, [2]string{text(v.Filter.Value), text(v.Properties["key"])})
		}
	}
	return cases
}

// text is the text that raw, a JSON value, is compared as; that of what is no
// string is its JSON, which is near enough for what is only tried out.
func text(raw json.RawMessage) string {
	var s string
	if json.Unmarshal(raw, &s) != nil {
		return string(raw)
	}
	return s
}

// checkEngines runs a pattern in every form that can run it, and expects the
// same outcome from all.
func checkEngines(t *testing.T, source, subject string) {
	tree, err := parse(source)
	if err != nil {
		if !errors.Is(err, ErrInvalid) {
			t.Errorf("%q: error %v is no ErrInvalid", source, err)
		}
		return
	}
	type form struct{ backtracking, ascii bool }
	outcomes := map[form]bool{}
	for _, f := range []form{{false, true}, {false, false}, {true, true}, {true, false}} {
		if f.ascii && !isASCII(subject) || !f.backtracking && (tree.irregular || tree.edges && !isASCII(subject)) {
			continue
		}
		e, err := newEngine(tree.root, !f.backtracking, f.ascii)
		if err != nil {
			t.Errorf("%q (%+v): %v", source, f, err)
			continue
		}
		if found, err := e.find(subject); err == nil {
			outcomes[f] = found
		}
	}
	first, seen := false, false
	for _, v := range outcomes {
		if seen && v != first {
			t.Errorf("%q on %q: %v", source, subject, outcomes)
			return
		}
		first, seen = v, true
	}
}

func TestEnginesAgree(t *testing.T) {
	cases := vectorCases(t)
	for _, c := range cases {
		for _, subject := range []string{c[1], "", "a", "abc\n", "été", "a b-C_1.\tx", "ǅ\u0301K\u212aſS"} {
			checkEngines(t, c[0], subject)
		}
	}
}

// TestPlainPatternsMeanWhatRegexpMeans compares with package regexp where the
// syntaxes coincide: ASCII subjects, and none of the constructs that only one
// of the two knows.
func TestPlainPatternsMeanWhatRegexpMeans(t *testing.T) {
	for _, source := range []string{
		`abc`, `a|b|`, `^a*$`, `(a|b)+c?`, `[a-c]{2,3}?`, `\d+\.\d+`, `(?i)AbC`, `(?s)a.c`, `(?m)^b$`, `\w+@\w+`,
		`[^a-z]`, `\bfoo\b`, `\Bo`, `(?:ab)*c`, `x{0}`, `a+?b`, `(?U)a+b`, `[[:upper:]]`, `\x41`, `\pL`, `a.b`, `\S\s`,
	} {
		want := regexp.MustCompile(source)
		p, err := Compile(source)
		if err != nil {
			t.Errorf("%s: %v", source, err)
			continue
		}
		for _, subject := range []string{"", "a", "abc", "ABC", "aac", "b", "a\nb\nc", "1.5", "foo", "food foo", "jo@acme", "\t x", "xyz"} {
			if got, err := p.Match(subject); err != nil || got != want.MatchString(subject) {
				t.Errorf("%s on %q = %t, %v", source, subject, got, err)
			}
		}
	}
}

func TestUsesTheLinearEngine(t *testing.T) {
	for source, linear := range map[string]bool{
		`@acme\.io$`: true, `(?i)\w+`: true, `(?x) a # b`: true, `(?<n>a)`: true, `[a-z&&[^q]]`: true, `\bx\b`: true,
		`a(?=b)`: false, `(a)\1`: false, `a++`: false, `(?>a)`: false, `a\Z`: false, `\<a`: false, `a{1001}`: false,
	} {
		p, err := Compile(source)
		if err != nil {
			t.Errorf("%s: %v", source, err)
			continue
		}
		if _, ok := p.ascii.(*linearEngine); ok != linear {
			t.Errorf("%s: linear engine %t, want %t", source, ok, linear)
		}
	}
}

func TestBounds(t *testing.T) {
	long := strings.Repeat("a", maxLinearWork)
	for _, source := range []string{`ab`, `(?=ab)`} {
		p, err := Compile(source)
		if err != nil {
			t.Fatal(err)
		}
		if found, err := p.Match(long); found || !errors.Is(err, ErrBudget) {
			t.Errorf("%s on %d bytes: %t, %v, want %v", source, len(long), found, err, ErrBudget)
		}
	}
}

func TestRuneSets(t *testing.T) {
	a, b := runeSet{'a', 'f'}, runeSet{'c', 'd', 'x', 'z'}
	for name, c := range map[string]struct{ got, want runeSet }{
		"union":          {a.union(b), runeSet{'a', 'f', 'x', 'z'}},
		"union adjacent": {a.union(runeSet{'g', 'g'}), runeSet{'a', 'g'}},
		"intersect":      {a.intersect(b), runeSet{'c', 'd'}},
		"minus":          {a.minus(b), runeSet{'a', 'b', 'e', 'f'}},
		"negate":         {a.negate(), runeSet{0, 'a' - 1, 'g', lastRune}},
		"negate all":     {anyRune.negate(), runeSet{}},
		"negate none":    {runeSet{}.negate(), anyRune},
		"fold":           {runeSet{'k', 'k'}.fold(), runeSet{'K', 'K', 'k', 'k', '\u212a', '\u212a'}},
	} {
		if string(c.got) != string(c.want) {
			t.Errorf("%s = %q, want %q", name, string(c.got), string(c.want))
		}
	}
	for r := rune(0); r <= lastRune; r++ {
		if spaceRunes().contains(r) != unicode.IsSpace(r) || digitRunes().contains(r) != unicode.IsDigit(r) {
			t.Fatalf("%U is in a wrong set", r)
		}
	}
	// All that folds is found by looking at few categories.
	for r := rune(0); r <= lastRune; r++ {
		if f := unicode.SimpleFold(r); f != r && !(runeSet{r, r}).fold().contains(f) {
			t.Errorf("%U does not fold", r)
		}
	}
}

func TestWordClass(t *testing.T) {
	e, err := newEngine(&expr{op: opSet, set: wordRunes()}, false, false)
	if err != nil {
		t.Fatal(err)
	}
	if e.source() != "["+wordClass+"]" {
		t.Fatalf("word characters are written %.100s", e.source())
	}
	for r := rune(0); r <= lastRune; r++ {
		if !utf8.ValidRune(r) {
			continue
		}
		if found, err := e.find(string(r)); err != nil || found != wordRunes().contains(r) {
			t.Fatalf("the engine disagrees on %U: %t, %v", r, found, err)
		}
	}
}

// poolsDrop is true where sync.Pool forgets, see race_test.go.
var poolsDrop bool

func TestLinearPatternsDoNotAllocate(t *testing.T) {
	if poolsDrop {
		t.Skip("allocations mean nothing under the race detector")
	}
	for _, source := range []string{`@acme\.io$`, `(?i)^jo.*\bacme\b`, `^\w+@[\w.]+$`} {
		p, err := Compile(source)
		if err != nil {
			t.Fatal(err)
		}
		p.Match("jo@acme.io") // the engine's machine is made once
		if n := testing.AllocsPerRun(100, func() { p.Match("jo@acme.io") }); n > 0 {
			t.Errorf("%s allocates %v times", source, n)
		}
	}
}

func TestLargePatternsAreRefused(t *testing.T) {
	for _, source := range []string{
		strings.Repeat("a", maxSize+1),
		strings.Repeat(`\p{L}`, 1000),
		strings.Repeat(`(?=\p{L})`, 200),
		`(?:(?:a{200}){200}){200}`,
		strings.Repeat("(", maxDepth+1) + strings.Repeat(")", maxDepth+1),
		strings.Repeat("[", maxDepth+1) + "a" + strings.Repeat("]", maxDepth+1),
	} {
		if _, err := Compile(source); !errors.Is(err, ErrInvalid) {
			t.Errorf("%.20s… of %d bytes: error %v, want %v", source, len(source), err, ErrInvalid)
		}
	}
	if _, err := Compile("^(" + strings.Repeat("someone@example.com|", 500) + ")$"); err != nil {
		t.Errorf("a list of 500 addresses: %v", err)
	}
}

func FuzzPattern(f *testing.F) {
	for _, c := range vectorCases(f) {
		f.Add(c[0], c[1])
	}
	f.Fuzz(func(t *testing.T, source, subject string) {
		if len(source) > 200 || len(subject) > 200 {
			return
		}
		checkEngines(t, source, strings.ToValidUTF8(subject, "?"))
	})
}

func BenchmarkMatch(b *testing.B) {
	for _, c := range []struct{ name, pattern, subject string }{
		{"suffix", `@acme\.io$`, "joanna.doe@acme.io"},
		{"ignore_case", `(?i)^jo.*@acme\.io$`, "Joanna.Doe@ACME.io"},
		{"classes", `^[\w.]+@\w+\.\w+$`, "joanna.doe@acme.io"},
		{"classes_unicode", `^[\w.]+@\w+\.\w+$`, "joänna.doe@acme.io"},
		{"look_ahead", `^(?!.*test).*@acme\.io$`, "joanna.doe@acme.io"},
		{"back_reference", `(\w)\1`, "joanna.doe@acme.io"},
		{"word_edge_unicode", `\bdoe\b`, "joänna.doe@acme.io"},
	} {
		p, err := Compile(c.pattern)
		if err != nil {
			b.Fatal(err)
		}
		b.Run(c.name, func(b *testing.B) {
			b.ReportAllocs()
			for b.Loop() {
				p.Match(c.subject)
			}
		})
	}
}

func BenchmarkCompile(b *testing.B) {
	for _, source := range []string{`@acme\.io$`, `^[\w.]+@\w+\.\w+$`, `^(?!.*test).*@acme\.io$`, `\b\w+\b(?=x)`} {
		b.Run(source, func(b *testing.B) {
			for b.Loop() {
				if _, err := Compile(source); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}
