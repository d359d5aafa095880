package server

import (
	"context"
	"encoding/json"
	"net/http"
	"net/http/pprof"
	"time"
)

// serveName answers at the root, so that people see what listens here.
func (s *Server) serveName(x *exchange, r *http.Request) {
	s.serveText(x, r, http.StatusOK, "feature flags")
}

// serveLiveness tells that the process answers. It depends on nothing (16).
func (s *Server) serveLiveness(x *exchange, r *http.Request) {
	s.serveText(x, r, http.StatusOK, "alive")
}

func (s *Server) serveStartup(x *exchange, r *http.Request) {
	s.serveText(x, r, http.StatusOK, "started")
}

// serveReadiness tells whether requests should be sent here: there are
// definitions to answer with and the server is not stopping. A database that
// is gone does not matter. With ?verbose it says from what it answers.
func (s *Server) serveReadiness(x *exchange, r *http.Request) {
	status, text := http.StatusOK, "ready"
	switch {
	case s.draining.Load():
		status, text = http.StatusServiceUnavailable, "stopping"
	case !s.deps.Set.Ready():
		status, text = http.StatusServiceUnavailable, "no definitions yet"
	case r.URL.Query().Has("verbose"):
		if st := s.deps.Set.Status(); st.FromDisk > 0 {
			text = "ready, from last good definitions"
		}
	}
	s.serveText(x, r, status, text)
}

func (s *Server) serveText(x *exchange, r *http.Request, status int, text string) {
	if r.Method != http.MethodGet && r.Method != http.MethodHead {
		s.refuseMethod(x, allowDefinitions)
		return
	}
	x.Header()["Content-Type"] = typeText
	setLength(x.Header(), len(text))
	x.WriteHeader(status)
	_, _ = x.Write([]byte(text)) // a write that fails has lost its client
}

// Admin serves the admin address: metrics, profiles and deep health. It must
// not be public.
func (s *Server) Admin() http.Handler {
	mux := http.NewServeMux()
	mux.Handle("GET /metrics", s.deps.Metrics.Handler())
	mux.HandleFunc("GET /health", s.serveHealth)
	mux.HandleFunc("/debug/pprof/", pprof.Index)
	mux.HandleFunc("GET /debug/pprof/cmdline", pprof.Cmdline)
	mux.HandleFunc("GET /debug/pprof/profile", pprof.Profile)
	mux.HandleFunc("/debug/pprof/symbol", pprof.Symbol)
	mux.HandleFunc("GET /debug/pprof/trace", pprof.Trace)
	for path, serve := range map[string]func(*exchange, *http.Request){
		"/_liveness": s.serveLiveness, "/_readiness": s.serveReadiness, "/_startup": s.serveStartup,
	} {
		mux.HandleFunc("GET "+path, func(w http.ResponseWriter, r *http.Request) {
			serve(&exchange{ResponseWriter: w}, r)
		})
	}
	return mux
}

// checkTimeout bounds the question to the store.
const checkTimeout = 2 * time.Second

// health is the deep state of a node.
type health struct {
	Ready    bool    `json:"ready"`
	Draining bool    `json:"draining"`
	Store    string  `json:"store"` // "ok", or what is wrong
	Age      float64 `json:"definitions_age_seconds"`
	Revision int64   `json:"definitions_revision"`
	Projects int     `json:"projects"`
	FromDisk int     `json:"projects_from_disk"`
	Failing  int     `json:"projects_failing"`
	Faults   int     `json:"definition_faults"`
	Unsaved  int     `json:"definitions_unsaved"`
}

// serveHealth tells how the node and what it depends on are doing: 200 if all
// is well, 503 if something needs a look. It is for people and alarms; whether
// to send requests here is readiness.
func (s *Server) serveHealth(w http.ResponseWriter, r *http.Request) {
	st := s.deps.Set.Status()
	h := health{
		Ready: st.Ready && !s.draining.Load(), Draining: s.draining.Load(), Store: "ok",
		Age: s.freshness(st), Revision: int64(st.Applied), Projects: st.Projects, FromDisk: st.FromDisk,
		Failing: st.Failing, Faults: st.Faults, Unsaved: st.Unsaved,
	}
	if s.deps.Check != nil {
		ctx, cancel := context.WithTimeout(r.Context(), checkTimeout)
		defer cancel()
		if err := s.deps.Check(ctx); err != nil {
			h.Store = err.Error()
		}
	}
	status := http.StatusOK
	if !h.Ready || h.Store != "ok" || h.FromDisk > 0 || h.Failing > 0 {
		status = http.StatusServiceUnavailable
	}
	body, err := json.Marshal(h)
	if err != nil {
		http.Error(w, err.Error(), http.StatusInternalServerError)
		return
	}
	respond(w, status, append(body, '\n'))
}
