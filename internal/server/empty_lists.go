package server

import "net/http"

// emptyLists are what browsers ask of products that are not here, if somebody
// switched them on (clients 8). An empty list keeps posthog-js quiet, whoever
// asks; an error would be logged on every page.
var emptyLists = map[string][]byte{
	"/api/surveys":         []byte(`{"surveys":[]}`),
	"/api/product_tours":   []byte(`{"product_tours":[]}`),
	"/api/web_experiments": []byte(`{"experiments":[]}`),
}

// serveList answers every request with list.
func (s *Server) serveList(list []byte) func(*exchange, *http.Request) {
	return func(x *exchange, r *http.Request) {
		if r.Method != http.MethodGet && r.Method != http.MethodHead {
			s.refuseMethod(x, allowDefinitions)
			return
		}
		respond(x, http.StatusOK, list)
	}
}
