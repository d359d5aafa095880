package posthog

import (
	"github.com/guidon-flags/guidon/internal/eval"
)

// Format is the shape of an answer to a flags request (8.1).
type Format uint8

// The formats.
const (
	V2       Format = iota // flags with reasons and metadata (8.2)
	LegacyV1               // featureFlags and featureFlagPayloads (8.3)
	DecideV1               // a list of enabled keys (8.4)
	DecideV2               // a map of enabled flags (8.4)
)

// Meta is what an answer holds besides the flags.
type Meta struct {
	RequestID   string
	EvaluatedAt int64    // milliseconds since the epoch
	Quota       []string // resources over their quota, such as "feature_flags"; empty: the field is left out
	Config      *Config  // fields merged into the answer; nil: none

	// Traces, if not nil, gives for each item of the Results its trace; the
	// V2 format then shows conditions (8.6).
	Traces []eval.Trace
}

// Append appends the answer for res, which was decided by the Program of a.
// Only requested flags are in it. After the first answers of a version it
// allocates nothing but what b needs to grow.
func (a *Answers) Append(b []byte, f Format, res *eval.Results, m *Meta) []byte { return b }

// AppendEmpty appends an answer without flags, for requests that are answered
// before anything is decided.
func AppendEmpty(b []byte, f Format, m *Meta) []byte { return b }

// AppendFixed appends what a GET of /flags answers.
func AppendFixed(b []byte, f Format, m *Meta) []byte { return b }

// Answers encodes the results of one Program. It keeps the encoded form of
// each outcome that has occurred. It may be used by any number of goroutines.
type Answers struct {
	prog *eval.Program
}

// NewAnswers returns the Answers of p.
func NewAnswers(p *eval.Program) *Answers { return &Answers{prog: p} }
