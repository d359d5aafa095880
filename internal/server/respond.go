package server

import (
	"errors"
	"math/rand/v2"
	"net/http"
	"strconv"

	"github.com/guidon-flags/guidon/internal/wire/posthog"
)

var (
	typeJSON = []string{"application/json"}
	typeText = []string{"text/plain; charset=utf-8"}
)

// setLength sets Content-Length.
func setLength(h http.Header, n int) { h["Content-Length"] = []string{strconv.Itoa(n)} }

func lengthOf(body []byte) []string { return []string{strconv.Itoa(len(body))} }

// respond writes a JSON answer at once.
func respond(w http.ResponseWriter, status int, body []byte) {
	h := w.Header()
	h["Content-Type"] = typeJSON
	setLength(h, len(body))
	w.WriteHeader(status)
	w.Write(body)
}

// refuse answers with an error (section 9).
func (s *Server) refuse(x *exchange, kind posthog.Kind) {
	s.refuseWith(x, &posthog.Error{Kind: kind})
}

// refuseWith answers with an error. One that is no *posthog.Error is a defect.
func (s *Server) refuseWith(x *exchange, err error) {
	e := s.note(x, err)
	respond(x, e.Kind.Status(), e.AppendJSON(nil))
}

// note counts a refusal, logs a defect, and sets the headers that a refusal of
// its kind has.
func (s *Server) note(x *exchange, err error) *posthog.Error {
	e, ok := errors.AsType[*posthog.Error](err)
	if !ok {
		s.opts.Logger.Error("a request failed", "error", err)
		e = &posthog.Error{Kind: posthog.InternalError}
	}
	status := e.Kind.Status()
	x.code = e.Kind.Internal()
	switch {
	case status >= http.StatusInternalServerError:
		s.deps.Metrics.Faults.With(x.code).Inc()
	case status == http.StatusUnauthorized || status == http.StatusForbidden:
		s.deps.Metrics.Refusals.With(x.code).Inc()
	}
	if status == http.StatusServiceUnavailable {
		x.Header()["Retry-After"] = []string{retryAfter()}
	}
	return e
}

// retryAfter is a pause in seconds that differs from client to client, so that
// they do not come back all at once.
func retryAfter() string { return strconv.Itoa(2 + rand.IntN(5)) }

// refuseMethod answers 405.
func (s *Server) refuseMethod(x *exchange, allow string) {
	x.Header()["Allow"] = []string{allow}
	s.refuse(x, posthog.BadMethod)
}
