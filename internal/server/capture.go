package server

import (
	"context"
	"errors"
	"io"
	"log/slog"
	"net"
	"net/http"
	"strings"
	"sync"
	"time"

	"github.com/google/uuid"

	"github.com/guidon-flags/guidon/internal/identity"
	"github.com/guidon-flags/guidon/internal/wire/posthog"
)

// Paths that clients post events to, without the slash that may follow
// (docs/identity.md, section 2). Those of capturePaths are served by a capture
// handler, those of discardPaths, which belong to other products, by
// serveDiscard so that clients stay quiet.
var (
	capturePaths = []string{"/batch", "/capture", "/e", "/i/v0/e", "/engage", "/track"}
	discardPaths = []string{"/s", "/i/v0/ai", "/i/v0/ai/batch", "/i/v1/logs", "/i/v1/metrics"}
)

const allowCapture = "GET, POST, OPTIONS"

// captureDeps is what a capture handler is made of. All are required.
type captureDeps struct {
	// project finds a project by its token. known is false if there is none;
	// certain is false if that could not be found out.
	project func(ctx context.Context, token string) (p identity.Settings, known, certain bool)
	// apply makes events durable, in their order, before it returns.
	apply func(ctx context.Context, p identity.Settings, events []identity.Event) error
	// count counts the events of a request by what came of them, one of the
	// captured constants; refused and discarded requests count as one.
	count  func(result string, events int)
	room   room // for large payloads
	now    func() time.Time
	logger *slog.Logger
}

// What comes of events.
const (
	capturedApplied   = "applied"
	capturedUnknown   = "unknown_token" // answered like the applied, and dropped
	capturedRefused   = "refused"       // the request has no form that is understood
	capturedFailed    = "failed"        // the store did not take them; the client sends them again
	capturedDiscarded = "discarded"     // of another product
)

// captureHandler serves the v0 capture endpoints (docs/identity.md, 2.1). It
// leaves CORS and OPTIONS to the routes around it.
type captureHandler struct{ captureDeps }

func newCaptureHandler(deps captureDeps) http.Handler { return captureHandler{deps} }

// captureTimeout bounds the wait for the store: after a body that took all of
// readTimeout there is time left to say that its events were not stored.
const captureTimeout = 12 * time.Second

// accepted is the answer to events that were taken, wanted or not.
var accepted = []byte(`{"status":1}`)

var captureBodies = sync.Pool{New: func() any { return new([]byte) }}

func (h captureHandler) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	if r.Method != http.MethodPost && r.Method != http.MethodGet {
		w.Header()["Allow"] = []string{allowCapture}
		refuseCapture(w, http.StatusMethodNotAllowed, "method not allowed")
		return
	}
	path := strings.Trim(r.URL.Path, "/")
	limit := posthog.MaxCapture
	if path == "batch" {
		limit = posthog.MaxCaptureBatch
	}
	// Events alias the buffer; apply keeps none of them.
	buf := captureBodies.Get().(*[]byte)
	defer func() {
		if cap(*buf) <= keepState {
			captureBodies.Put(buf)
		}
	}()
	body, err := readCapture(w, r, (*buf)[:0], limit)
	*buf = body
	if err != nil {
		h.refuse(w, err)
		return
	}
	query := posthog.ParseCaptureQuery(r.URL.RawQuery)
	events, held, err := h.decode(context.WithoutCancel(r.Context()), query, posthog.CaptureHints{
		ContentType:     r.Header.Get("Content-Type"),
		ContentEncoding: r.Header.Get("Content-Encoding"),
		Engage:          path == "engage",
		Limit:           limit,
	}, body)
	defer h.room.give(held)
	switch {
	case errors.Is(err, errNoRoom):
		h.unavailable(w, 1)
	case err != nil:
		h.refuse(w, err)
	default:
		h.take(w, r, events, query.Beacon)
	}
}

var errNoRoom = errors.New("too many large payloads at a time")

// decode decodes a payload. If it is large, or inflates to what is large, it
// takes room first; held is to be given back when the events are done with.
func (h captureHandler) decode(ctx context.Context, q posthog.CaptureQuery, hints posthog.CaptureHints, body []byte) (c posthog.Capture, held int64, err error) {
	now := h.now()
	size := hints.Limit
	if len(body) <= smallBody {
		first := hints
		first.Limit = min(hints.Limit, smallBody)
		if c, err = posthog.DecodeCapture(q, first, body, now); !errors.Is(err, posthog.ErrCaptureTooBig) {
			return c, 0, err
		}
	} else if hints.ContentEncoding == "" && (body[0] == '{' || body[0] == '[') {
		size = len(body) // JSON does not inflate
	}
	held = perCapture * int64(size)
	if !h.room.take(ctx, held) {
		return c, 0, errNoRoom
	}
	c, err = posthog.DecodeCapture(q, hints, body, now)
	return c, held, err
}

// take applies what was decoded and answers.
func (h captureHandler) take(w http.ResponseWriter, r *http.Request, c posthog.Capture, beacon bool) {
	project, known, certain := h.project(r.Context(), c.Token)
	switch {
	case known:
		// Some clients close the connection without waiting for an answer.
		ctx, cancel := context.WithTimeout(context.WithoutCancel(r.Context()), captureTimeout)
		defer cancel()
		if err := h.apply(ctx, project, identityEvents(c.Events)); err != nil {
			h.logger.Error("events could not be stored; their client sends them again",
				"project", project.ID, "events", len(c.Events), "error", err)
			h.unavailable(w, len(c.Events))
			return
		}
		h.count(capturedApplied, len(c.Events))
	case certain:
		h.count(capturedUnknown, len(c.Events))
	default:
		h.unavailable(w, len(c.Events))
		return
	}
	if beacon {
		w.WriteHeader(http.StatusNoContent)
		return
	}
	respond(w, http.StatusOK, accepted)
}

// identityEvents converts events and gives those a uuid that have none.
func identityEvents(captured []posthog.CapturedEvent) []identity.Event {
	events := make([]identity.Event, len(captured))
	for i, e := range captured {
		events[i] = identity.Event{
			UUID: e.UUID, Name: e.Name, DistinctID: e.DistinctID, Time: e.Time,
			Properties: e.Properties, Set: e.Set, SetOnce: e.SetOnce,
		}
		if e.UUID == "" {
			events[i].UUID = uuid.Must(uuid.NewV7()).String() // it fails only without a source of randomness
		}
	}
	return events
}

// readCapture appends the body of r to b, at most limit bytes. The error is a
// *posthog.CaptureError.
func readCapture(w http.ResponseWriter, r *http.Request, b []byte, limit int) ([]byte, error) {
	if r.ContentLength > int64(limit) {
		w.Header()["Connection"] = closeConnection // rather than read on
		return b, posthog.ErrCaptureTooBig
	}
	b, err := readAll(bufferFor(b, r.ContentLength), http.MaxBytesReader(w, r.Body, int64(limit)))
	if err == nil {
		return b, nil
	}
	if _, ok := errors.AsType[*http.MaxBytesError](err); ok {
		return b, posthog.ErrCaptureTooBig
	}
	if timeout, ok := errors.AsType[net.Error](err); ok && timeout.Timeout() {
		return b, &posthog.CaptureError{Status: http.StatusRequestTimeout, Text: "the request body did not arrive in time"}
	}
	return b, &posthog.CaptureError{Status: http.StatusBadRequest, Text: "failed to decode request: the body did not arrive completely"}
}

// refuse answers with what is wrong with a request.
func (h captureHandler) refuse(w http.ResponseWriter, err error) {
	h.count(capturedRefused, 1)
	refusal, ok := errors.AsType[*posthog.CaptureError](err)
	if !ok {
		h.logger.Error("a capture request failed", "error", err)
		refusal = &posthog.CaptureError{Status: http.StatusInternalServerError, Text: "internal error"}
	}
	refuseCapture(w, refusal.Status, refusal.Text)
}

// unavailable asks the client to send its events again.
func (h captureHandler) unavailable(w http.ResponseWriter, events int) {
	h.count(capturedFailed, events)
	w.Header()["Retry-After"] = []string{retryAfter()}
	refuseCapture(w, http.StatusServiceUnavailable, "transient error, please retry")
}

// refuseCapture answers an error in the plain text of the v0 endpoints.
func refuseCapture(w http.ResponseWriter, status int, text string) {
	header := w.Header()
	header["Content-Type"] = typeText
	setLength(header, len(text))
	w.WriteHeader(status)
	_, _ = io.WriteString(w, text)
}

// newDiscardHandler accepts what is for other products and drops it.
func newDiscardHandler(count func(result string, events int)) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.Method != http.MethodPost && r.Method != http.MethodGet {
			w.Header()["Allow"] = []string{allowCapture}
			refuseCapture(w, http.StatusMethodNotAllowed, "method not allowed")
			return
		}
		// Read to the end, so that the connection can be used again.
		if _, err := io.Copy(io.Discard, http.MaxBytesReader(w, r.Body, posthog.MaxCaptureBatch)); err != nil {
			count(capturedRefused, 1)
			refuseCapture(w, posthog.ErrCaptureTooBig.Status, posthog.ErrCaptureTooBig.Text)
			return
		}
		count(capturedDiscarded, 1)
		respond(w, http.StatusOK, accepted)
	})
}
