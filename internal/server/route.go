package server

import (
	"net/http"
	"strings"

	"github.com/guidon-flags/guidon/internal/telemetry"
)

// route is what is done with a path. Paths are compared whole, with or without
// a slash at the end, and never redirected: clients do not repeat a POST.
type route struct {
	name  string // label of metrics
	allow string // the Allow header of a 405
	cors  cors
	serve func(x *exchange, r *http.Request)
}

const (
	allowEvaluation  = "GET, POST, OPTIONS, HEAD"
	allowDefinitions = "GET, OPTIONS, HEAD"
)

// route sets up the table of paths (section 1).
func (s *Server) route() {
	flags := route{telemetry.RouteFlags, allowEvaluation, anyOrigin, s.serveFlags}
	decide := route{telemetry.RouteFlags, allowEvaluation, anyOrigin, s.serveDecide}
	definitions := route{telemetry.RouteDefinitions, allowDefinitions, anyOrigin, s.serveDefinitions}
	probe := func(h func(*exchange, *http.Request)) route {
		return route{telemetry.RouteOther, allowDefinitions, anyOrigin, h}
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
	s.unknown = route{telemetry.RouteOther, "", anyOrigin, s.serveUnknown}
	s.api = s.unknown
	if s.deps.API != nil {
		s.api = route{telemetry.RouteAPI, "", withoutCookies, s.serveAPI}
	}
}

// find returns the route of a path.
func (s *Server) find(path string) route {
	for strings.HasPrefix(path, "//") {
		path = path[1:] // a host that was configured with a slash at its end
	}
	if len(path) > 1 {
		path = strings.TrimSuffix(path, "/")
	}
	if r, ok := s.routes[path]; ok {
		return r
	}
	if strings.HasPrefix(path, "/api/") {
		return s.api
	}
	return s.unknown
}

func (s *Server) serveAPI(x *exchange, r *http.Request) { s.deps.API.ServeHTTP(x, r) }

// notFound is the answer to a path that leads nowhere.
const notFound = `{"type":"invalid_request","code":"not_found","detail":"There is nothing at this path.","attr":null}`

func (s *Server) serveUnknown(x *exchange, _ *http.Request) {
	x.code = "not_found"
	respond(x, http.StatusNotFound, []byte(notFound))
}
