package ofrep

import (
	"crypto/sha256"
	"encoding/hex"
	"slices"
	"sync/atomic"

	"github.com/guidon-flags/guidon/internal/eval"
)

// maxFragments is how many bytes of encoded outcomes are kept for one Program.
// What does not fit is encoded each time.
const maxFragments = 64 << 20

// Answers encodes the results of one Program. It keeps the encoded form of each
// outcome that has occurred: it is the answer about one flag, and an answer
// about all is their concatenation. It may be used by any number of goroutines.
type Answers struct {
	prog  *eval.Program
	flags []atomic.Pointer[[]fragment] // by flag, then by outcome; that of being inactive follows the others
	kept  atomic.Int64                 // bytes in fragments
}

// fragment is an encoded outcome, made when it is first needed.
type fragment = atomic.Pointer[[]byte]

// NewAnswers returns the Answers of p. It costs little; fragments are made on
// first use.
func NewAnswers(p *eval.Program) *Answers {
	return &Answers{prog: p, flags: make([]atomic.Pointer[[]fragment], p.Len())}
}

// AppendFlag appends the answer about one flag, which was decided by the Program
// of a: {"key", "value"?, "reason", "variant", "metadata"}, for a failed flag an
// error. Without "value" the code's default counts (10.1).
func (a *Answers) AppendFlag(b []byte, r *eval.Result) []byte {
	f := a.prog.Flag(r.Flag)
	switch {
	case r.Failure != nil:
		return AppendError(b, f.Key, General, Detail(r.Failure))
	case r.Outcome < 0:
		return appendResult(b, f, r)
	}
	place := a.fragment(r.Flag, r.Outcome)
	if known := place.Load(); known != nil {
		return append(b, *known...)
	}
	return append(b, a.keep(place, appendResult(nil, f, r))...)
}

// AppendInactive appends the answer about a flag that is not active: Disabled,
// without a value.
func (a *Answers) AppendInactive(b []byte, flag int) []byte {
	place := a.fragment(flag, a.prog.Outcomes(flag))
	if known := place.Load(); known != nil {
		return append(b, *known...)
	}
	return append(b, a.keep(place, appendInactive(nil, a.prog.Flag(flag)))...)
}

// AppendAll appends {"flags": […]}: each requested flag of res and each inactive
// one, in the order of the project's flags, but for those that hidden marks by
// their index; nil marks none. It has nothing in it that differs from one request
// to the next with the same results. Once their outcomes have occurred before, it
// allocates nothing but what b needs to grow.
func (a *Answers) AppendAll(b []byte, res *eval.Results, hidden []bool) []byte {
	b = append(b, `{"flags":[`...)
	start, next := len(b), 0
	for i := range a.prog.Len() {
		var r *eval.Result
		if next < len(res.Items) && res.Items[next].Flag == i {
			r = &res.Items[next]
			next++
		}
		active := a.prog.Flag(i).Active
		if hidden != nil && hidden[i] || active && (r == nil || !r.Requested) {
			continue
		}
		if len(b) > start {
			b = append(b, ',')
		}
		if active {
			b = a.AppendFlag(b, r)
		} else {
			b = a.AppendInactive(b, i)
		}
	}
	return append(b, `]}`...)
}

// fragment returns the place for an outcome of a flag.
func (a *Answers) fragment(flag, outcome int) *fragment {
	table := a.flags[flag].Load()
	if table == nil {
		fresh := make([]fragment, a.prog.Outcomes(flag)+1)
		if a.flags[flag].CompareAndSwap(nil, &fresh) {
			table = &fresh
		} else {
			table = a.flags[flag].Load()
		}
	}
	return &(*table)[outcome]
}

// keep stores an encoded outcome if there is room for it, and returns it.
func (a *Answers) keep(place *fragment, encoded []byte) []byte {
	encoded = slices.Clip(encoded)
	size := int64(len(encoded))
	if a.kept.Add(size) > maxFragments {
		a.kept.Add(-size)
		return encoded
	}
	if !place.CompareAndSwap(nil, &encoded) {
		a.kept.Add(-size)
	}
	return encoded
}

// ETag returns the entity tag of an answer about all flags. It is made of the
// answer's bytes alone, so that equal definitions and contexts have it on every
// node, and an answer that differs in anything has another.
func ETag(answer []byte) string {
	sum := sha256.Sum256(answer)
	return `"` + hex.EncodeToString(sum[:16]) + `"`
}
