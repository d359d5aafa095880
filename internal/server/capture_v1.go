package server

import (
	"errors"
	"net/http"

	"github.com/guidon-flags/guidon/internal/wire/posthog"
)

const allowCaptureV1 = "POST, OPTIONS"

// captureV1Handler serves the capture endpoints of version 1 (docs/identity.md,
// 2.2). It leaves CORS and OPTIONS to the routes around it.
type captureV1Handler struct {
	*captureDeps
	discard bool // events are of another product: all are taken, none is applied
}

func newCaptureV1Handler(deps *captureDeps) http.Handler { return captureV1Handler{captureDeps: deps} }

func newDiscardV1Handler(deps *captureDeps) http.Handler {
	return captureV1Handler{captureDeps: deps, discard: true}
}

func (h captureV1Handler) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	if r.Method != http.MethodPost {
		w.Header()["Allow"] = []string{allowCaptureV1}
		refuseCaptureV1(w, &posthog.CaptureV1Error{Tag: posthog.TagBadMethod, Description: "The method must be POST."})
		return
	}
	now := h.now() // the client's clock is compared with ours before its body is waited for
	request, err := posthog.ParseCaptureV1Headers(captureV1Headers(r.Header))
	if err != nil {
		h.refuse(w, err)
		return
	}
	p, err := h.receive(w, r, posthog.MaxCaptureBatch)
	defer p.done()
	if err != nil {
		h.refuse(w, err)
		return
	}
	var c posthog.CaptureV1
	err = p.decode(r.Context(), !request.Packed(), func(limit int) (err error) {
		c, err = posthog.DecodeCaptureV1(request, p.body, limit, now)
		return err
	})
	if err != nil {
		h.refuse(w, err)
		return
	}
	if h.discard {
		h.count(capturedDiscarded, 1)
		c.Discard()
		respond(w, http.StatusOK, c.AppendJSON(nil))
		return
	}
	h.take(w, r, request.Token, &c)
}

// take stores what was decoded and answers. If some events could not be stored,
// their client is asked to send these again.
func (h captureV1Handler) take(w http.ResponseWriter, r *http.Request, token string, c *posthog.CaptureV1) {
	if len(c.Events) > 0 {
		n, err := h.store(r.Context(), token, c.Events)
		if err != nil && n == 0 {
			unavailableV1(w)
			return
		}
		if err != nil {
			c.Retry(n)
			w.Header()["Retry-After"] = retryAfterV1
		}
	}
	if n := c.Dropped(); n > 0 {
		h.count(capturedDropped, n)
	}
	respond(w, http.StatusOK, c.AppendJSON(nil))
}

func captureV1Headers(h http.Header) posthog.CaptureV1Headers {
	return posthog.CaptureV1Headers{
		Authorization:    h.Get("Authorization"),
		ContentType:      h.Get("Content-Type"),
		ContentEncoding:  h.Get("Content-Encoding"),
		UserAgent:        h.Get("User-Agent"),
		SDKInfo:          h.Get("PostHog-Sdk-Info"),
		Attempt:          h.Get("PostHog-Attempt"),
		RequestID:        h.Get("PostHog-Request-Id"),
		RequestTimestamp: h.Get("PostHog-Request-Timestamp"),
	}
}

// refuse answers with what is wrong with a request.
func (h captureV1Handler) refuse(w http.ResponseWriter, err error) {
	if errors.Is(err, errNoRoom) {
		h.count(capturedFailed, 1)
		unavailableV1(w)
		return
	}
	h.count(capturedRefused, 1)
	refusal, ok := errors.AsType[*posthog.CaptureV1Error](err)
	switch {
	case ok:
	case errors.Is(err, posthog.ErrCaptureTooBig):
		refusal = &posthog.CaptureV1Error{Tag: posthog.TagTooLarge, Description: "The body is too large."}
	case errors.Is(err, errBodyLate):
		refusal = &posthog.CaptureV1Error{Tag: posthog.TagBodyTimeout, Description: "The body did not arrive in time."}
	case errors.Is(err, errBodyCut):
		refusal = &posthog.CaptureV1Error{Tag: posthog.TagUndecodable, Description: "The body did not arrive completely."}
	default:
		h.logger.Error("a capture request failed", "error", err)
		refusal = &posthog.CaptureV1Error{Tag: posthog.TagInternal, Description: "An internal error occurred."}
	}
	refuseCaptureV1(w, refusal)
}

// retryAfterV1 is the pause in seconds that clients of version 1 are asked for;
// they add one of their own, which differs from client to client.
var retryAfterV1 = []string{"1"}

// unavailableV1 asks the client to send the whole request again.
func unavailableV1(w http.ResponseWriter) {
	w.Header()["Retry-After"] = retryAfterV1
	refuseCaptureV1(w, &posthog.CaptureV1Error{Tag: posthog.TagUnavailable, Description: "The events could not be stored. Send them again."})
}

func refuseCaptureV1(w http.ResponseWriter, e *posthog.CaptureV1Error) {
	respond(w, e.Status(), e.AppendJSON(nil))
}
