package decide

import (
	"context"
	"log/slog"
	"time"

	"github.com/guidon-flags/guidon/internal/eval"
	"github.com/guidon-flags/guidon/internal/feature"
	"github.com/guidon-flags/guidon/internal/snapshot"
	"github.com/guidon-flags/guidon/internal/store"
	"github.com/guidon-flags/guidon/internal/telemetry"
)

// Filler gives an Input the properties and groups that a request brought.
// Fill is called once per decision, with an Input that was just reset for p.
type Filler interface {
	Fill(p *eval.Program, in *eval.Input)
}

// Subjects is where stored data comes from: the identity package, or a store.
// The methods are those of store.Subjects.
type Subjects interface {
	Lookup(ctx context.Context, q store.SubjectQuery) (store.SubjectData, error)
	WriteOverrides(ctx context.Context, project int64, distinctIDs, flagKeys []string, hashKey string) (int, error)
}

// Request is one question, in no protocol's terms.
type Request struct {
	DistinctID string // looked up as it is; evaluation takes its first 200 characters
	AnonID     string // $anon_distinct_id; empty: none
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
	contexts []string
	excluded []bool
	wanted   []bool
	groups   []store.GroupRef
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
func New(subjects Subjects, o Options) *Engine {
	if o.Deadline == 0 {
		o.Deadline = DefaultDeadline
	}
	if o.Logger == nil {
		o.Logger = slog.New(slog.DiscardHandler)
	}
	return &Engine{subjects: subjects, o: o}
}

// Decide answers req by v into ans, whose previous content is overwritten. It
// never fails as a whole: what goes wrong is a failure of the flags that depend
// on it. ctx bounds the work on stored data, of which there is none unless some
// flag depends on what the request does not bring.
func (e *Engine) Decide(ctx context.Context, v *snapshot.Version, req *Request, ans *Answer) {
	ans.Items, ans.Errors, ans.Panic = ans.Items[:0], false, nil
	ans.Traces, ans.Looked = ans.Traces[:0], false
	var sel eval.Selection
	defer func() {
		if r := recover(); r != nil {
			ans.failAll(v.Program, sel)
			ans.Panic = r
		}
		if ans.Panic != nil {
			e.panicked(v.Project.ID, ans.Panic)
		}
	}()
	sel = ans.choose(v, req)
	ans.bring(v.Program, req)
	if needs := v.Program.Needs(&ans.in, sel); needs.Any() {
		e.load(ctx, v, req, ans, needs)
	}
	v.Program.Decide(&ans.in, sel, &ans.Results)
	if req.Trace {
		for i := range ans.Items {
			ans.Traces = append(ans.Traces, v.Program.Explain(&ans.in, sel, ans.Items[i].Flag))
		}
	}
}

// bring sets what the request brings.
func (ans *Answer) bring(p *eval.Program, req *Request) {
	in := &ans.in
	in.Reset(p)
	in.DistinctID, in.AnonID, in.DeviceID, in.Now = req.DistinctID, req.AnonID, req.DeviceID, req.Now
	if req.OverridesOnly {
		in.OverridesOnly()
	}
	if req.Properties != nil {
		req.Properties.Fill(p, in)
	}
}

// failAll makes every flag that was asked for fail. It is for defects outside
// the evaluation of single flags, which contains its own.
func (ans *Answer) failAll(p *eval.Program, sel eval.Selection) {
	ans.in = eval.Input{} // its state is unknown
	ans.Items, ans.Traces, ans.Errors = ans.Items[:0], ans.Traces[:0], true
	for i := range p.Len() {
		excluded := sel.Excluded != nil && sel.Excluded[i]
		if !p.Flag(i).Active || excluded || sel.Wanted != nil && !sel.Wanted[i] {
			continue
		}
		ans.Items = append(ans.Items, eval.Result{
			Flag: i, Requested: true, Reason: eval.Failed, Failure: failInternal, Condition: -1, Outcome: -1,
		})
	}
}

// panicked counts and logs a defect.
func (e *Engine) panicked(project int64, value any) {
	if e.o.OnPanic != nil {
		e.o.OnPanic()
	}
	e.o.Logger.Error("evaluation panicked", "project", project, "panic", telemetry.PanicText(value))
}
