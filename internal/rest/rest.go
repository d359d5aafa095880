// Package rest is the management API over HTTP: everything below /api/ with
// which people and tools create and change flags, cohorts, early access
// features, persons, groups, projects and keys (docs/management-api.md, whose
// sections comments cite).
//
// It decodes requests, checks keys and their scopes, calls package manage and
// writes the answer in the form that existing clients expect. It decides
// nothing about definitions. Routes are a table (Routes) that tests walk.
// Headers for browsers of other origins are added by whoever serves an API.
package rest

import (
	"context"
	"log/slog"
	"net/http"
	"runtime/debug"
	"time"

	"github.com/guidon-flags/guidon/internal/auth"
	"github.com/guidon-flags/guidon/internal/manage"
	"github.com/guidon-flags/guidon/internal/telemetry"
)

// Authenticator finds out whose key a request presents; *auth.Authenticator is
// one.
type Authenticator interface {
	// Bearer returns auth.ErrNoCredential, auth.ErrInvalidKey or
	// auth.ErrUnavailable if there is no principal.
	Bearer(ctx context.Context, key string) (*auth.Principal, error)
}

// Deps are what an API works with.
type Deps struct {
	Manage *manage.Manager
	Auth   Authenticator
	Logger *slog.Logger     // nil: discarded
	Now    func() time.Time // nil: time.Now
	Limits Limits
}

// API answers requests of the management API. It may be used by any number of
// goroutines.
type API struct {
	m      *manage.Manager
	auth   Authenticator
	log    *slog.Logger
	router *router
	limits *limiter
}

// New returns an API.
func New(d Deps) *API {
	log := d.Logger
	if log == nil {
		log = slog.New(slog.DiscardHandler)
	}
	now := d.Now
	if now == nil {
		now = time.Now
	}
	return &API{
		m: d.Manage, auth: d.Auth, log: log, router: newRouter(Routes()),
		limits: &limiter{limits: d.Limits, now: now, keys: make(map[string]*usage)},
	}
}

// ServeHTTP answers a request whose path begins with /api/. A panic is
// answered with status 500 and logged.
func (a *API) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	c := &call{api: a, w: w, r: r, query: r.URL.Query()}
	defer func() {
		if v := recover(); v != nil {
			a.log.ErrorContext(r.Context(), "panic", "method", r.Method, "route", c.pattern(), "panic", telemetry.PanicText(v), "stack", string(debug.Stack()))
			c.fail(errInternal)
		}
	}()
	rep, err := c.run()
	if err != nil {
		c.fail(err)
		return
	}
	c.write(rep)
}
