package server

import (
	"context"
	"net/http"
	"strings"

	"github.com/guidon-flags/guidon/internal/identity"
	"github.com/guidon-flags/guidon/internal/telemetry"
)

// route is what is done with a path. Paths are compared whole, with or without
// a slash at the end, and never redirected: clients do not repeat a POST.
type route struct {
	name  string // label of metrics
	cors  cors
	serve func(x *exchange, r *http.Request)
}

const (
	allowEvaluation  = "GET, POST, OPTIONS, HEAD"
	allowDefinitions = "GET, OPTIONS, HEAD"
)

// route sets up the table of paths (section 1).
func (s *Server) route() {
	flags := route{telemetry.RouteFlags, anyOrigin, s.serveFlags}
	decide := route{telemetry.RouteFlags, anyOrigin, s.serveDecide}
	definitions := route{telemetry.RouteDefinitions, anyOrigin, s.serveDefinitions}
	probe := func(h func(*exchange, *http.Request)) route {
		return route{telemetry.RouteOther, anyOrigin, h}
	}
	s.routes = map[string]route{
		"/":                                  probe(s.serveName),
		"/flags":                             flags,
		"/decide":                            decide,
		"/flags/definitions":                 definitions,
		"/api/feature_flag/local_evaluation": definitions,
		"/_liveness":                         probe(s.serveLiveness),
		"/_readiness":                        probe(s.serveReadiness),
		"/_startup":                          probe(s.serveStartup),
	}
	for path, list := range emptyLists {
		s.routes[path] = route{telemetry.RouteOther, anyOrigin, s.serveList(list)}
	}
	s.browserConfig = route{telemetry.RouteConfig, anyOrigin, s.serveBrowserConfig}
	s.remoteConfig = route{telemetry.RouteDefinitions, withoutCookies, s.serveRemoteConfig}
	s.routes[ofrepPath] = route{telemetry.RouteFlags, anyOrigin, s.serveOFREP}
	s.routeCapture()
	s.unknown = route{telemetry.RouteOther, anyOrigin, s.serveUnknown}
	s.api = s.unknown
	if s.deps.API != nil {
		s.api = handlerRoute(telemetry.RouteAPI, withoutCookies, s.deps.API)
	}
}

// routeCapture adds the paths that take events.
func (s *Server) routeCapture() {
	count := func(result string, events int) { s.deps.Metrics.Captured.With(result).Add(float64(events)) }
	deps := &captureDeps{
		project: s.captureProject, apply: s.deps.Identity.CaptureFront, room: s.room, count: count, now: s.opts.Now, logger: s.opts.Logger,
	}
	capture := newCaptureHandler(deps)
	discard := newDiscardHandler(count)
	for _, path := range capturePaths {
		s.routes[path] = handlerRoute(telemetry.RouteCapture, anyOrigin, capture)
	}
	for _, path := range discardPaths {
		s.routes[path] = handlerRoute(telemetry.RouteCapture, anyOrigin, discard)
	}
	s.routes[captureV1Path] = handlerRoute(telemetry.RouteCapture, anyOrigin, newCaptureV1Handler(deps))
	s.routes[discardV1Path] = handlerRoute(telemetry.RouteCapture, anyOrigin, newDiscardV1Handler(deps))
}

// handlerRoute is the route to a handler that answers everything itself.
func handlerRoute(name string, c cors, h http.Handler) route {
	return route{name: name, cors: c, serve: func(x *exchange, r *http.Request) { h.ServeHTTP(x, r) }}
}

// captureProject finds the project of captured events.
func (s *Server) captureProject(_ context.Context, token string) (p identity.Settings, known, certain bool) {
	v, known, certain := s.deps.Set.ByToken(token)
	if v == nil {
		return identity.Settings{}, false, certain && !known
	}
	return identity.Settings{ID: v.Project.ID, OptOut: v.Project.PersonlessOnly}, true, true
}

// find returns the route of a path.
func (s *Server) find(path string) route {
	path = cleanPath(path)
	if r, ok := s.routes[path]; ok {
		return r
	}
	if _, _, ok := browserConfigPath(path); ok {
		return s.browserConfig
	}
	if _, _, ok := remoteConfigPath(path); ok {
		return s.remoteConfig
	}
	if strings.HasPrefix(path, ofrepPath+"/") {
		return s.routes[ofrepPath]
	}
	if strings.HasPrefix(path, "/api/") {
		return s.api
	}
	return s.unknown
}

// cleanPath returns a path as routes compare it: without doubled slashes at its
// start and without one at its end.
func cleanPath(path string) string {
	for strings.HasPrefix(path, "//") {
		path = path[1:] // a host that was configured with a slash at its end
	}
	if len(path) > 1 {
		path = strings.TrimSuffix(path, "/")
	}
	return path
}

// notFound is the answer to a path that leads nowhere.
const notFound = `{"type":"invalid_request","code":"not_found","detail":"There is nothing at this path.","attr":null}`

func (s *Server) serveUnknown(x *exchange, _ *http.Request) {
	x.code = "not_found"
	respond(x, http.StatusNotFound, []byte(notFound))
}
