package server

import (
	"context"
	"log/slog"
	"net/http"
	"runtime/debug"
	"strings"
	"sync"
	"time"

	"github.com/guidon-flags/guidon/internal/auth"
	"github.com/guidon-flags/guidon/internal/telemetry"
	"github.com/guidon-flags/guidon/internal/wire/posthog"
)

// exchange is one request and what becomes of it, for metrics and the log. It
// is the ResponseWriter of its request.
type exchange struct {
	http.ResponseWriter
	status    int // 0: nothing is written yet
	start     time.Time
	requestID string // empty until somebody needs it
	project   int64  // 0: unknown
	version   string // label of the answer's form
	code      string // internal error code, empty: none
}

var exchanges = sync.Pool{New: func() any { return new(exchange) }}

// WriteHeader notes the status.
func (x *exchange) WriteHeader(status int) {
	if x.status == 0 || x.status < 200 {
		x.status = status
	}
	x.ResponseWriter.WriteHeader(status)
}

// Write notes that the status is 200 if none was written.
func (x *exchange) Write(b []byte) (int, error) {
	if x.status == 0 {
		x.status = http.StatusOK
	}
	return x.ResponseWriter.Write(b)
}

// Unwrap is for http.ResponseController.
func (x *exchange) Unwrap() http.ResponseWriter { return x.ResponseWriter }

// Handler serves the public address.
func (s *Server) Handler() http.Handler {
	durations := make(map[string]interface{ Observe(float64) })
	for _, name := range []string{
		telemetry.RouteFlags, telemetry.RouteDefinitions, telemetry.RouteConfig, telemetry.RouteCapture, telemetry.RouteAPI, telemetry.RouteOther,
	} {
		durations[name] = s.deps.Metrics.Duration(name)
	}
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		x := exchanges.Get().(*exchange)
		*x = exchange{ResponseWriter: w, start: s.opts.Now(), version: "none"}
		rt := s.find(r.URL.Path)
		s.serve(x, r, rt)
		took := s.opts.Now().Sub(x.start)
		durations[rt.name].Observe(telemetry.Milliseconds(took))
		s.finish(x, r, took)
		*x = exchange{}
		exchanges.Put(x)
	})
}

// serve answers one request; a panic ends here.
func (s *Server) serve(x *exchange, r *http.Request, rt route) {
	m := s.deps.Metrics
	m.InFlight.Inc()
	defer m.InFlight.Dec()
	defer func() {
		if v := recover(); v != nil {
			s.contain(x, r, v)
		}
	}()
	if ms, ok := queueTime(r.Header.Get("X-Request-Start"), x.start); ok {
		m.QueueTime.Observe(ms)
	}
	if s.draining.Load() {
		x.Header()["Connection"] = closeConnection
	}
	rt.cors.apply(x.Header(), r)
	if r.Method == http.MethodOptions {
		setLength(x.Header(), 0)
		x.WriteHeader(http.StatusOK)
		return
	}
	rt.serve(x, r)
}

var closeConnection = []string{"close"}

// contain answers 500 after a panic, if nothing was answered yet; otherwise it
// cuts the connection, so that nobody takes the answer for whole.
func (s *Server) contain(x *exchange, r *http.Request, v any) {
	if v == http.ErrAbortHandler { //nolint:errorlint // the panic value itself, as net/http compares it
		panic(v)
	}
	s.deps.Metrics.Panics.Inc()
	s.opts.Logger.Error("a request panicked", "path", loggedPath(r.URL.Path), "panic", telemetry.PanicText(v), "stack", string(debug.Stack()))
	if x.status != 0 {
		panic(http.ErrAbortHandler)
	}
	// What the handler said of an answer that does not come.
	for _, name := range []string{"Content-Encoding", "Etag", "Cache-Control"} {
		delete(x.Header(), name)
	}
	s.refuse(x, posthog.InternalError)
}

// finish counts an answer, and logs it if it is a failure of ours or slow
// (operations 12).
func (s *Server) finish(x *exchange, r *http.Request, took time.Duration) {
	s.deps.Metrics.Requests(statusClass(x.status), x.version, posthog.SDKName(r.UserAgent())).Inc()
	level := slog.LevelDebug
	switch {
	case x.status >= 500:
		level = slog.LevelError
	case took >= s.opts.Slow:
		level = slog.LevelWarn
	}
	if !s.opts.Logger.Enabled(context.Background(), level) {
		return
	}
	s.opts.Logger.LogAttrs(context.Background(), level, "request",
		slog.String("request_id", x.requestID),
		slog.String("method", r.Method),
		slog.String("path", loggedPath(r.URL.Path)), // without the query, which may hold keys
		slog.Int("http_status", x.status),
		slog.String("error_code", x.code),
		slog.Float64("duration_ms", telemetry.Milliseconds(took)),
		slog.Int64("project", x.project),
		slog.String("ip", s.clientAddr(r).String()),
		slog.String("user_agent", cut(r.UserAgent(), 512)),
	)
}

// loggedPath returns what may be logged of a path: its start, with the middle
// of a token or key left out.
func loggedPath(path string) string {
	path = cut(path, 256)
	if !strings.Contains(path, "/ph") {
		return path
	}
	parts := strings.Split(path, "/")
	for i, part := range parts {
		switch part[:min(len(part), len(auth.TokenPrefix))] {
		case auth.TokenPrefix, auth.SecretPrefix, auth.PersonalPrefix:
			parts[i] = auth.Mask(part)
		}
	}
	return strings.Join(parts, "/")
}

func cut(s string, n int) string {
	if len(s) > n {
		return s[:n]
	}
	return s
}

func statusClass(status int) string {
	switch {
	case status < 200:
		return "none"
	case status < 300:
		return "2xx"
	case status < 400:
		return "3xx"
	case status < 500:
		return "4xx"
	}
	return "5xx"
}
