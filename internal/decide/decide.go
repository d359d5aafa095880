package decide

import (
	"context"
	"log/slog"
	"time"

	"github.com/guidon-flags/guidon/internal/eval"
	"github.com/guidon-flags/guidon/internal/feature"
	"github.com/guidon-flags/guidon/internal/snapshot"
	"github.com/guidon-flags/guidon/internal/store"
)

// Filler gives an Input the properties and groups that a request brought.
// Fill is called at least once per decision, each time with an Input that was
// just reset for p.
type Filler interface {
	Fill(p *eval.Program, in *eval.Input)
}

// Subjects is where stored data comes from: the identity package, or a store.
type Subjects interface {
	Lookup(ctx context.Context, q store.SubjectQuery) (store.SubjectData, error)
	WriteOverrides(ctx context.Context, project int64, distinctIDs, flagKeys []string, hashKey string) (int, error)
}

// Request is one question, in no protocol's terms.
type Request struct {
	DistinctID string
	AnonID     string // empty: none
	DeviceID   string // empty: none
	Properties Filler // nil: the request brings none

	AllKeys     bool // otherwise only Keys are wanted, even if there are none
	Keys        []string
	Runtimes    feature.RuntimeSet // flags of other runtimes are left out
	Contexts    []string           // flags that have contexts, but none of these, are left out; empty: no restriction
	SurveysOnly bool               // keep only flags that target surveys

	OverridesOnly bool // stored person properties are ignored
	ReadOnly      bool // no sticky assignments are written
	Trace         bool // fill Answer.Traces; slow
	Now           time.Time
}

// Answer is what was decided. The zero value is ready; reusing one keeps its
// memory. It is for one goroutine.
type Answer struct {
	eval.Results

	// Traces has one for each of Results.Items, if the request asked.
	Traces []eval.Trace

	// Looked: stored data was asked for.
	Looked bool

	in       eval.Input
	sel      eval.Selection
	excluded []bool
	wanted   []bool
}

// Options of an Engine. All are optional.
type Options struct {
	// Deadline bounds all work on stored data of one request; 0 means
	// DefaultDeadline.
	Deadline time.Duration

	Logger *slog.Logger // nil: nothing is logged

	// Hooks for metrics; nil: none. They are called on the request's
	// goroutine.
	OnLookup func(took time.Duration, err error)
	OnWrite  func(rows int, err error) // sticky assignments
	OnPanic  func()
}

// DefaultDeadline is how long stored data may take in one request.
const DefaultDeadline = 2500 * time.Millisecond

// Engine decides. It may be used by any number of goroutines.
type Engine struct {
	subjects Subjects
	o        Options
}

// New returns an Engine that asks subjects for stored data.
func New(subjects Subjects, o Options) *Engine { return &Engine{subjects: subjects, o: o} }

// Decide answers req by v into ans, whose previous content is overwritten. It
// never fails as a whole: what goes wrong is a failure of the flags that depend
// on it. ctx bounds the look-up.
func (e *Engine) Decide(ctx context.Context, v *snapshot.Version, req *Request, ans *Answer) {}
