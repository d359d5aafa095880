package rest

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"net/http"
	"strconv"

	"github.com/guidon-flags/guidon/internal/auth"
	"github.com/guidon-flags/guidon/internal/manage"
	"github.com/guidon-flags/guidon/internal/store"
)

// problem is an error answer (1.1).
type problem struct {
	status int
	kind   string // "type"
	code   string
	detail string
	attr   string // empty: null

	older      any    // a body of an older form to send instead; nil: none
	retryAfter string // seconds, with status 429
}

func (p *problem) Error() string { return p.detail }

// problemBody is the form of all error answers but the older ones.
type problemBody struct {
	Type   string  `json:"type"`
	Code   string  `json:"code"`
	Detail string  `json:"detail"`
	Attr   *string `json:"attr"`
}

func (p *problem) body() any {
	if p.older != nil {
		return p.older
	}
	b := problemBody{Type: p.kind, Code: p.code, Detail: p.detail}
	if p.attr != "" {
		b.Attr = &p.attr
	}
	return b
}

var (
	errNotFound = &problem{status: http.StatusNotFound, kind: "invalid_request", code: "not_found", detail: "Not found."}
	errInternal = &problem{status: http.StatusInternalServerError, kind: "server_error", code: "error", detail: "A server error occurred."}
	errTooLarge = &problem{status: http.StatusRequestEntityTooLarge, kind: "invalid_request", code: "payload_too_large", detail: "The request body is larger than 20 MiB."}

	errUnavailable = &problem{
		status: http.StatusServiceUnavailable, kind: "server_error", code: "unavailable",
		detail: "The server cannot reach its database. Please try again.",
	}
	errNoCredential = &problem{
		status: http.StatusUnauthorized, kind: "authentication_error", code: "not_authenticated",
		detail: "Authentication credentials were not provided.",
	}
	errSessionOnly = &problem{
		status: http.StatusForbidden, kind: "authentication_error", code: "permission_denied",
		detail: "This action does not support Personal API Key access",
	}
)

// invalid refuses the value of a field.
func invalid(attr, code, format string, args ...any) *problem {
	return &problem{status: http.StatusBadRequest, kind: "validation_error", code: code, detail: fmt.Sprintf(format, args...), attr: attr}
}

func required(attr string) *problem { return invalid(attr, "required", "This field is required.") }

// parseError refuses a body that cannot be read.
func parseError(format string, args ...any) *problem {
	return &problem{
		status: http.StatusBadRequest, kind: "invalid_request", code: "parse_error",
		detail: "JSON parse error - " + fmt.Sprintf(format, args...),
	}
}

// older refuses a request in the form of some older actions.
func older(status int, body any) *problem {
	return &problem{status: status, detail: fmt.Sprint(body), older: body}
}

func olderError(text string) *problem {
	return older(http.StatusBadRequest, map[string]string{"error": text})
}

func methodNotAllowed(detail string) *problem {
	return &problem{status: http.StatusMethodNotAllowed, kind: "invalid_request", code: "method_not_allowed", detail: detail}
}

func missingScope(scope string) *problem {
	return &problem{
		status: http.StatusForbidden, kind: "authentication_error", code: "permission_denied",
		detail: fmt.Sprintf("API key missing required scope '%s'", scope),
	}
}

func invalidKey(place string) *problem {
	return &problem{
		status: http.StatusUnauthorized, kind: "authentication_error", code: "authentication_failed",
		detail: fmt.Sprintf("Personal API key found in request %s is invalid.", place),
	}
}

// kinds maps what manage refuses to the form of the answer.
var kinds = map[manage.Kind]struct {
	status int
	kind   string
}{
	manage.Invalid:            {http.StatusBadRequest, "validation_error"},
	manage.NotFound:           {http.StatusNotFound, "invalid_request"},
	manage.Forbidden:          {http.StatusForbidden, "authentication_error"},
	manage.Conflict:           {http.StatusConflict, "server_error"},
	manage.PreconditionFailed: {http.StatusPreconditionFailed, "invalid_request"},
}

// asProblem gives any error its answer. known is false for faults, whose text
// is not for clients.
func asProblem(err error) (p *problem, known bool) {
	var refusal *manage.Error
	switch {
	case errors.As(err, &p):
		return p, true
	case errors.As(err, &refusal):
		k := kinds[refusal.Kind]
		return &problem{status: k.status, kind: k.kind, code: refusal.Code, detail: refusal.Detail, attr: refusal.Attr}, true
	case errors.Is(err, store.ErrUnavailable), errors.Is(err, store.ErrClosed), errors.Is(err, auth.ErrUnavailable),
		errors.Is(err, context.Canceled), errors.Is(err, context.DeadlineExceeded):
		return errUnavailable, false
	}
	return errInternal, false
}

// asRefusal returns what manage refused, nil if err is something else.
func asRefusal(err error) *manage.Error {
	var refusal *manage.Error
	if errors.As(err, &refusal) {
		return refusal
	}
	return nil
}

// fail answers with an error. Faults are logged here and nowhere else.
func (c *call) fail(err error) {
	p, known := asProblem(err)
	if !known {
		c.api.log.ErrorContext(c.r.Context(), "request failed", "method", c.r.Method, "route", c.pattern(), "status", p.status, "error", err)
	}
	switch p.status {
	case http.StatusUnauthorized:
		c.w.Header().Set("WWW-Authenticate", `Bearer realm="api"`)
	case http.StatusTooManyRequests:
		c.w.Header().Set("Retry-After", p.retryAfter)
	case http.StatusServiceUnavailable:
		c.w.Header().Set("Retry-After", strconv.Itoa(1+rand.IntN(4)))
	case http.StatusMethodNotAllowed:
		c.w.Header().Set("Allow", methods(c.routes))
	}
	c.write(reply{status: p.status, body: p.body()})
}
