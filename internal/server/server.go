package server

import (
	"context"
	"log/slog"
	"net/http"
	"net/netip"
	"sync/atomic"
	"time"

	"github.com/guidon-flags/guidon/internal/auth"
	"github.com/guidon-flags/guidon/internal/decide"
	"github.com/guidon-flags/guidon/internal/identity"
	"github.com/guidon-flags/guidon/internal/snapshot"
	"github.com/guidon-flags/guidon/internal/telemetry"
)

// Deps are what a Server serves. All but API and Check are required.
type Deps struct {
	Set      *snapshot.Set
	Auth     *auth.Authenticator
	Engine   *decide.Engine
	Identity *identity.Service
	Metrics  *telemetry.Metrics

	// API serves everything below /api/ that is not a route for SDKs. nil:
	// there is nothing.
	API http.Handler

	// Check asks the store whether it answers; for deep health. nil: there is
	// none to ask.
	Check func(ctx context.Context) error
}

// Options adjusts a Server. The zero value is good.
type Options struct {
	Logger *slog.Logger     // nil: none
	Now    func() time.Time // nil: time.Now

	// TrustedProxies are the addresses whose X-Forwarded-For is believed.
	// Empty: the first entry of the header is taken from anyone (2.3).
	TrustedProxies []netip.Prefix

	// Slow is the time from which on a request is logged. 0: 100 ms.
	Slow time.Duration

	// DrainDelay is how long a stopping server goes on accepting requests
	// after it has ceased to be ready, so that load balancers notice.
	DrainDelay time.Duration

	// StopTimeout bounds how long requests under way may take after that.
	// 0: 20 seconds.
	StopTimeout time.Duration
}

func (o Options) withDefaults() Options {
	if o.Logger == nil {
		o.Logger = slog.New(slog.DiscardHandler)
	}
	if o.Now == nil {
		o.Now = time.Now
	}
	if o.Slow == 0 {
		o.Slow = 100 * time.Millisecond
	}
	if o.StopTimeout == 0 {
		o.StopTimeout = 20 * time.Second
	}
	return o
}

// Server answers HTTP requests.
type Server struct {
	deps     Deps
	opts     Options
	room     room
	routes   map[string]route
	draining atomic.Bool

	// Routes whose paths have parameters, and where all other paths lead.
	browserConfig, remoteConfig, api, unknown route
}

// New returns a Server. It adds the state of d.Set and d.Identity to d.Metrics,
// so there can be one Server for each Metrics.
func New(d Deps, o Options) *Server {
	s := &Server{deps: d, opts: o.withDefaults(), room: newRoom(roomBytes, roomWait)}
	s.route()
	s.observe()
	return s
}

// Drain makes the server not ready, while it goes on answering, and has
// clients close their connections after the next answer.
func (s *Server) Drain() { s.draining.Store(true) }

// observe shows how fresh definitions are and what became of events.
func (s *Server) observe() {
	s.deps.Metrics.Read([]telemetry.Reading{
		{Name: "guidon_definitions_age_seconds", Help: "Time since the change feed was last read to its end; -1: never."},
		{Name: "guidon_definitions_revision", Help: "Revision up to which everything is served."},
		{Name: "guidon_projects", Help: "Projects that are served."},
		{Name: "guidon_projects_from_disk", Help: "Projects that are served from last good definitions."},
		{Name: "guidon_projects_failing", Help: "Projects whose newest definitions cannot be loaded."},
		{Name: "guidon_definition_faults", Help: "Definitions that do not compile."},
		{Name: "guidon_definitions_unsaved", Help: "Projects whose newest definitions are not on disk yet."},
	}, func() []float64 {
		st := s.deps.Set.Status()
		return []float64{
			s.freshness(st), float64(st.Applied), float64(st.Projects), float64(st.FromDisk), float64(st.Failing),
			float64(st.Faults), float64(st.Unsaved),
		}
	})
	s.deps.Metrics.Read([]telemetry.Reading{
		{Name: "guidon_identity_events_total", Help: "Events that were looked at for persons and groups.", Total: true},
		{Name: "guidon_identity_dropped_total", Help: "Events that could not be applied.", Total: true},
		{Name: "guidon_identity_persons_created_total", Help: "Persons that events created.", Total: true},
		{Name: "guidon_identity_persons_merged_total", Help: "Persons that were merged into others.", Total: true},
	}, func() []float64 {
		st := s.deps.Identity.Stats()
		return []float64{float64(st.Events), float64(st.Dropped), float64(st.Created), float64(st.Merged)}
	})
}

// freshness is the age of what is served in seconds, -1 if it is not known.
func (s *Server) freshness(st snapshot.Status) float64 {
	if st.Confirmed.IsZero() {
		return -1
	}
	return s.opts.Now().Sub(st.Confirmed).Seconds()
}
