package filters

import (
	"fmt"

	"github.com/guidon-flags/guidon/internal/feature"
)

// DefaultRulesBytes is how large a rules v2 document may be if Limits does not
// say otherwise (10.3).
const DefaultRulesBytes = 512 << 10

// Limits bounds what Read accepts. The zero value stands for the defaults.
type Limits struct {
	RulesBytes int // of a rules v2 document without insignificant white space; 0: DefaultRulesBytes
}

// Config is the configuration of a flag. Exactly one field is set.
type Config struct {
	Targeting *feature.Targeting // v1
	Rules     *feature.Ruleset   // v2
	Fault     string             // why it cannot be evaluated: the flag fails (1.9, 10.3)
}

// Set makes c the configuration of f.
func (c Config) Set(f *feature.Flag) {
	f.Targeting, f.Rules, f.Fault = c.Targeting, c.Rules, c.Fault
}

// Read reads the filters of a flag as they are stored.
//
// It returns an error if raw is a v1 document that cannot be decoded: the flag
// is then not part of its project (1.1.2). The error is a *DecodeError unless
// raw is no JSON at all. A document of another version never gives an error; if
// it cannot be used, Config.Fault says why.
//
// Regular expressions, dates and versions in v1 filters are not looked at:
// whether they mean something is for the evaluator.
func Read(raw []byte, limits Limits) (Config, error) {
	doc, err := parse(raw)
	if err != nil {
		return Config{}, fmt.Errorf("not valid JSON: %w", err)
	}
	if doc.kind != kindObject {
		return Config{}, undecodable("", "is not an object")
	}
	switch v := doc.get("version"); {
	case v.kind == kindNone || isVersion(v, 1):
		t, err := readTargeting(doc)
		if err != nil {
			return Config{}, err
		}
		return Config{Targeting: t}, nil
	case isVersion(v, 2):
		r, err := readRules(doc, limits)
		if err != nil {
			return Config{Fault: err.Error()}, nil
		}
		return Config{Rules: r}, nil
	default:
		return Config{Fault: fmt.Sprintf("unsupported: version %.40s is not known", v.raw)}, nil
	}
}

// isVersion reports whether v is a number equal to want, however it is written
// (1.9).
func isVersion(v node, want float64) bool {
	f, ok := v.float()
	return ok && f == want
}
