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
// (docs/identity.md, section 2). Those of discard paths belong to other
// products; they are answered so that clients stay quiet.
var (
	capturePaths = []string{"/batch", "/capture", "/e", "/i/v0/e", "/engage", "/track"}
	discardPaths = []string{"/s", "/i/v0/ai", "/i/v0/ai/batch", "/i/v1/logs", "/i/v1/metrics", "/i/v1/traces"}

	captureV1Path = "/i/v1/analytics/events"
	discardV1Path = "/i/v1/ai/events"
)

const allowCapture = "GET, POST, OPTIONS"

// captureDeps is what a capture handler is made of. All are required.
type captureDeps struct {
	// project finds a project by its token. known is false if there is none;
	// certain is false if that could not be found out.
	project func(ctx context.Context, token string) (p identity.Settings, known, certain bool)
	// apply makes events durable, in their order, before it returns. If it
	// fails, the first n of them are.
	apply func(ctx context.Context, p identity.Settings, events []identity.Event) (n int, err error)
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
	capturedDropped   = "dropped"       // cannot be taken, unlike others of their request
	capturedRefused   = "refused"       // the request has no form that is understood
	capturedFailed    = "failed"        // the store did not take them; the client sends them again
	capturedDiscarded = "discarded"     // of another product
)

// captureHandler serves the v0 capture endpoints (docs/identity.md, 2.1). It
// leaves CORS and OPTIONS to the routes around it.
type captureHandler struct{ *captureDeps }

func newCaptureHandler(deps *captureDeps) http.Handler { return captureHandler{deps} }

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
	p, err := h.receive(w, r, limit)
	defer p.done()
	if err != nil {
		h.refuse(w, err)
		return
	}
	query := posthog.ParseCaptureQuery(r.URL.RawQuery)
	hints := posthog.CaptureHints{
		ContentType:     r.Header.Get("Content-Type"),
		ContentEncoding: r.Header.Get("Content-Encoding"),
		Engage:          path == "engage",
	}
	now := h.now()
	var c posthog.Capture
	err = p.decode(r.Context(), hints.ContentEncoding == "" && p.looksJSON(), func(limit int) (err error) {
		hints.Limit = limit
		c, err = posthog.DecodeCapture(query, hints, p.body, now)
		return err
	})
	if err != nil {
		h.refuse(w, err)
		return
	}
	if _, err := h.store(r.Context(), c.Token, c.Events); err != nil {
		unavailable(w)
		return
	}
	if query.Beacon {
		w.WriteHeader(http.StatusNoContent)
		return
	}
	respond(w, http.StatusOK, accepted)
}

// payload is the body of a capture request with the memory that it takes.
type payload struct {
	body  []byte
	limit int // of its text in bytes
	room  room
	held  int64
	buf   *[]byte
}

// receive reads the body of r, at most limit bytes. The payload is to be done
// with in any case. An error is one of posthog.ErrCaptureTooBig, errBodyLate
// and errBodyCut.
func (d *captureDeps) receive(w http.ResponseWriter, r *http.Request, limit int) (*payload, error) {
	p := &payload{limit: limit, room: d.room, buf: captureBodies.Get().(*[]byte)}
	var err error
	p.body, err = readCapture(w, r, (*p.buf)[:0], limit)
	return p, err
}

// done gives the memory back. Events alias it; who applies them keeps none.
func (p *payload) done() {
	p.room.give(p.held)
	if cap(p.body) <= keepState {
		*p.buf = p.body
		captureBodies.Put(p.buf)
	}
}

func (p *payload) looksJSON() bool {
	return len(p.body) > 0 && (p.body[0] == '{' || p.body[0] == '[')
}

var errNoRoom = errors.New("too many large payloads at a time")

// decode has fn decode the payload to a text of at most limit bytes. If it is
// large, or inflates to what is large, it takes room first. plain says that it
// does not inflate.
func (p *payload) decode(ctx context.Context, plain bool, fn func(limit int) error) error {
	size := p.limit
	if len(p.body) <= smallBody {
		if err := fn(min(p.limit, smallBody)); !errors.Is(err, posthog.ErrCaptureTooBig) {
			return err
		}
	} else if plain {
		size = len(p.body)
	}
	held := perCapture * int64(size)
	if !p.room.take(context.WithoutCancel(ctx), held) {
		return errNoRoom
	}
	p.held = held
	return fn(p.limit)
}

// errUnknown: whether there is a project with the token cannot be told.
var errUnknown = errors.New("the project of a token could not be found out")

// store makes the events of a project durable, and drops those of a token that
// is certainly unknown. If it fails, the first n are done with.
func (d *captureDeps) store(ctx context.Context, token string, captured []posthog.CapturedEvent) (n int, err error) {
	project, known, certain := d.project(ctx, token)
	switch {
	case !known && certain:
		d.count(capturedUnknown, len(captured))
		return len(captured), nil
	case !known:
		d.count(capturedFailed, len(captured))
		return 0, errUnknown
	}
	// Some clients close the connection without waiting for an answer.
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), captureTimeout)
	defer cancel()
	if n, err = d.apply(ctx, project, identityEvents(captured)); err != nil {
		d.logger.Error("events could not be stored; their client sends them again",
			"project", project.ID, "events", len(captured)-n, "error", err)
		d.count(capturedFailed, len(captured)-n)
		if n == 0 {
			return 0, err
		}
	}
	d.count(capturedApplied, n)
	return n, err
}

// identityEvents converts events and gives those a uuid that have none.
func identityEvents(captured []posthog.CapturedEvent) []identity.Event {
	events := make([]identity.Event, len(captured))
	for i, e := range captured {
		events[i] = identity.Event{
			UUID: e.UUID, Name: e.Name, DistinctID: e.DistinctID, Time: e.Time,
			Properties: e.Properties, Set: e.Set, SetOnce: e.SetOnce, Lifted: e.Lifted,
		}
		if e.UUID == "" {
			events[i].UUID = uuid.Must(uuid.NewV7()).String() // it fails only without a source of randomness
		}
	}
	return events
}

// Why a body cannot be read.
var (
	errBodyLate = &posthog.CaptureError{Status: http.StatusRequestTimeout, Text: "the request body did not arrive in time"}
	errBodyCut  = &posthog.CaptureError{Status: http.StatusBadRequest, Text: "failed to decode request: the body did not arrive completely"}
)

// readCapture appends the body of r to b, at most limit bytes.
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
		return b, errBodyLate
	}
	return b, errBodyCut
}

// refuse answers with what is wrong with a request.
func (h captureHandler) refuse(w http.ResponseWriter, err error) {
	if errors.Is(err, errNoRoom) {
		h.count(capturedFailed, 1)
		unavailable(w)
		return
	}
	h.count(capturedRefused, 1)
	refusal, ok := errors.AsType[*posthog.CaptureError](err)
	if !ok {
		h.logger.Error("a capture request failed", "error", err)
		refusal = &posthog.CaptureError{Status: http.StatusInternalServerError, Text: "internal error"}
	}
	refuseCapture(w, refusal.Status, refusal.Text)
}

// unavailable asks the client to send its events again.
func unavailable(w http.ResponseWriter) {
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
