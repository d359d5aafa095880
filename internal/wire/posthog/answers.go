package posthog

import (
	"slices"
	"strconv"
	"sync/atomic"

	"github.com/guidon-flags/guidon/internal/eval"
	"github.com/guidon-flags/guidon/internal/feature"
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

// String names the format as the conformance cases do.
func (f Format) String() string {
	return [...]string{V2: "v2", LegacyV1: "legacy_v1", DecideV1: "decide_v1", DecideV2: "decide_v2"}[f]
}

// QuotaFlags is the resource of Meta.Quota that stands for flag requests.
const QuotaFlags = "feature_flags"

// Meta is what an answer holds besides the flags.
type Meta struct {
	RequestID   string
	EvaluatedAt int64    // milliseconds since the epoch
	Quota       []string // resources over their quota; empty: the field is left out
	Config      *Config  // fields merged into the answer; nil: none

	// Traces, if not nil, gives for each item of the Results its trace; the
	// V2 format then shows conditions (8.6).
	Traces []eval.Trace
}

// maxFragments is how many bytes of encoded outcomes are kept for one Program.
// What does not fit is encoded each time.
const maxFragments = 64 << 20

// Answers encodes the results of one Program. It keeps the encoded form of
// each outcome that has occurred: there are finitely many of each flag, and
// an answer is their concatenation. It may be used by any number of
// goroutines.
type Answers struct {
	prog  *eval.Program
	flags []atomic.Pointer[[]fragments] // by flag, then by outcome
	kept  atomic.Int64                  // bytes in fragments
}

// fragments are the encoded forms of one outcome, made when they are first
// needed.
type fragments struct {
	detail atomic.Pointer[[]byte] // "key":{…} of the V2 format
	legacy atomic.Pointer[legacy]
}

// legacy is what the other formats are made of.
type legacy struct {
	key     []byte // "key"
	value   []byte // "key":value
	payload []byte // "key":payload; nil: none
}

// NewAnswers returns the Answers of p. It costs little; fragments are made on
// first use.
func NewAnswers(p *eval.Program) *Answers {
	return &Answers{prog: p, flags: make([]atomic.Pointer[[]fragments], p.Len())}
}

// Append appends the answer for res, which was decided by the Program of a.
// Only requested flags are in it. Once the outcomes of res have occurred
// before, it allocates nothing but what b needs to grow.
func (a *Answers) Append(b []byte, f Format, res *eval.Results, m *Meta) []byte {
	switch f {
	case LegacyV1:
		b = a.appendLegacy(b, res)
	case DecideV1:
		b = append(b, `{"featureFlags":[`...)
		b = a.appendEnabled(b, res, false)
		b = append(b, ']')
	case DecideV2:
		b = append(b, `{"featureFlags":{`...)
		b = a.appendEnabled(b, res, true)
		b = append(b, '}')
	default:
		b = a.appendDetails(b, res, m.Traces)
	}
	return appendTail(b, m)
}

// AppendEmpty appends an answer without flags, for requests that are answered
// before anything is decided.
func AppendEmpty(b []byte, f Format, m *Meta) []byte {
	return new(Answers).Append(b, f, &eval.Results{}, m)
}

// AppendFixed appends what a GET of /flags answers: no flags, and always the
// same configuration, whatever that of m is.
func AppendFixed(b []byte, f Format, m *Meta) []byte {
	fixed := *m
	fixed.Config = &fixedConfig
	return AppendEmpty(b, f, &fixed)
}

var fixedConfig = Config{fields: []byte(`,"supportedCompression":["gzip","gzip-js"],"config":{"enable_collect_everything":true},` +
	`"toolbarParams":{},"isAuthenticated":false,"sessionRecording":false`)}

func appendErrors(b []byte, errors bool) []byte {
	b = append(b, `{"errorsWhileComputingFlags":`...)
	return strconv.AppendBool(b, errors)
}

func (a *Answers) appendDetails(b []byte, res *eval.Results, traces []eval.Trace) []byte {
	b = appendErrors(b, res.Errors)
	b = append(b, `,"flags":{`...)
	start := len(b)
	for i := range res.Items {
		r := &res.Items[i]
		if !r.Requested {
			continue
		}
		if len(b) > start {
			b = append(b, ',')
		}
		switch f := a.fragments(r); {
		case i < len(traces):
			b = appendDetail(b, a.prog.Flag(r.Flag), r, &traces[i])
		case f == nil:
			b = appendDetail(b, a.prog.Flag(r.Flag), r, nil)
		default:
			b = append(b, a.detail(f, r)...)
		}
	}
	return append(b, '}')
}

func (a *Answers) appendLegacy(b []byte, res *eval.Results) []byte {
	b = appendErrors(b, res.Errors)
	b = append(b, `,"featureFlags":{`...)
	start := len(b)
	for i := range res.Items {
		if r := &res.Items[i]; r.Requested {
			if len(b) > start {
				b = append(b, ',')
			}
			b = append(b, a.legacy(r).value...)
		}
	}
	b = append(b, `},"featureFlagPayloads":{`...)
	start = len(b)
	for i := range res.Items {
		if r := &res.Items[i]; r.Requested && r.Payload != "" {
			if len(b) > start {
				b = append(b, ',')
			}
			b = append(b, a.legacy(r).payload...)
		}
	}
	return append(b, '}')
}

// appendEnabled appends the enabled flags: their keys alone, or with values.
func (a *Answers) appendEnabled(b []byte, res *eval.Results, values bool) []byte {
	start := len(b)
	for i := range res.Items {
		r := &res.Items[i]
		if !r.Requested || !r.Enabled {
			continue
		}
		if len(b) > start {
			b = append(b, ',')
		}
		l := a.legacy(r)
		if values {
			b = append(b, l.value...)
		} else {
			b = append(b, l.key...)
		}
	}
	return b
}

// appendTail ends an answer.
func appendTail(b []byte, m *Meta) []byte {
	quota := m.Quota
	if m.Config != nil {
		for _, q := range m.Config.quota {
			if !slices.Contains(quota, q) {
				quota = append(slices.Clip(quota), q)
			}
		}
	}
	if len(quota) > 0 {
		b = append(b, `,"quotaLimited":`...)
		b = appendTexts(b, quota)
		b = append(b, `,"quota_limited":`...) // the name that posthog-go reads
		b = appendTexts(b, quota)
	}
	b = append(b, `,"requestId":`...)
	b = feature.AppendQuoted(b, m.RequestID)
	b = append(b, `,"evaluatedAt":`...)
	b = strconv.AppendInt(b, m.EvaluatedAt, 10)
	if m.Config != nil {
		b = append(b, m.Config.fields...)
	}
	return append(b, '}')
}

func appendTexts(b []byte, texts []string) []byte {
	b = append(b, '[')
	for i, s := range texts {
		if i > 0 {
			b = append(b, ',')
		}
		b = feature.AppendQuoted(b, s)
	}
	return append(b, ']')
}

// fragments returns the place for the encoded forms of r, nil if they are not
// kept: failures are not outcomes.
func (a *Answers) fragments(r *eval.Result) *fragments {
	if r.Outcome < 0 {
		return nil
	}
	table := a.flags[r.Flag].Load()
	if table == nil {
		fresh := make([]fragments, a.prog.Outcomes(r.Flag))
		if !a.flags[r.Flag].CompareAndSwap(nil, &fresh) {
			table = a.flags[r.Flag].Load()
		} else {
			table = &fresh
		}
	}
	return &(*table)[r.Outcome]
}

// detail returns the V2 form of r, whose place is f.
func (a *Answers) detail(f *fragments, r *eval.Result) []byte {
	if d := f.detail.Load(); d != nil {
		return *d
	}
	d := slices.Clip(appendDetail(nil, a.prog.Flag(r.Flag), r, nil))
	if a.keeps(len(d)) {
		f.detail.Store(&d)
	}
	return d
}

// legacy returns the other forms of r.
func (a *Answers) legacy(r *eval.Result) *legacy {
	f := a.fragments(r)
	if f != nil {
		if l := f.legacy.Load(); l != nil {
			return l
		}
	}
	l := newLegacy(a.prog.Flag(r.Flag).Key, r)
	if f != nil && a.keeps(len(l.value)+len(l.payload)) {
		f.legacy.Store(l)
	}
	return l
}

// keeps reports whether n more bytes may be kept, and counts them. Of
// goroutines that encode the same outcome at once all are counted; that is
// rare and errs on the safe side.
func (a *Answers) keeps(n int) bool {
	if a.kept.Add(int64(n)) <= maxFragments {
		return true
	}
	a.kept.Add(int64(-n))
	return false
}

func newLegacy(key string, r *eval.Result) *legacy {
	b := feature.AppendQuoted(nil, key)
	n := len(b)
	b = append(b, ':')
	if r.Variant != "" {
		b = feature.AppendQuoted(b, r.Variant)
	} else {
		b = strconv.AppendBool(b, r.Enabled)
	}
	b = slices.Clip(b)
	l := &legacy{key: b[:n:n], value: b}
	if r.Payload != "" {
		l.payload = append(append(append([]byte(nil), l.key...), ':'), r.Payload...)
	}
	return l
}
