package rest

import (
	"net/url"
	"slices"
	"strings"
)

// router finds routes by path. Literal segments go before parameters. A slash
// at the end of a path makes no difference, and nothing is redirected, since
// that would turn a POST into a GET.
type router struct{ root node }

// node is a place in the tree of segments.
type node struct {
	literal map[string]*node
	param   *node // for any segment; nil: none
	routes  map[string]*Route
}

func newRouter(routes []Route) *router {
	r := &router{}
	for i := range routes {
		r.root.add(segments(routes[i].Pattern), &routes[i])
	}
	return r
}

func segments(path string) []string {
	return strings.Split(strings.Trim(path, "/"), "/")
}

func (n *node) add(path []string, route *Route) {
	if len(path) == 0 {
		if n.routes == nil {
			n.routes = make(map[string]*Route)
		}
		n.routes[route.Method] = route
		return
	}
	next := n.param
	if strings.HasPrefix(path[0], "{") {
		if next == nil {
			next = &node{}
			n.param = next
		}
	} else if next = n.literal[path[0]]; next == nil {
		next = &node{}
		if n.literal == nil {
			n.literal = make(map[string]*node)
		}
		n.literal[path[0]] = next
	}
	next.add(path[1:], route)
}

// find returns the routes of an escaped path by method, nil if there are none,
// and the path's segments.
func (r *router) find(escapedPath string) (routes map[string]*Route, path []string) {
	path = segments(escapedPath)
	for i, s := range path {
		s, err := url.PathUnescape(s)
		if err != nil || s == "" {
			return nil, nil
		}
		path[i] = s
	}
	return r.root.find(path), path
}

func (n *node) find(path []string) map[string]*Route {
	if len(path) == 0 {
		return n.routes
	}
	if next := n.literal[path[0]]; next != nil {
		if found := next.find(path[1:]); found != nil {
			return found
		}
	}
	if n.param == nil {
		return nil
	}
	return n.param.find(path[1:])
}

// parameters gives the segments of a path that belong to the route the names
// that they have in its pattern.
func (r *Route) parameters(path []string) map[string]string {
	params := make(map[string]string)
	for i, s := range segments(r.Pattern) {
		if name, ok := strings.CutPrefix(s, "{"); ok {
			params[strings.TrimSuffix(name, "}")] = path[i]
		}
	}
	return params
}

// methods lists what a path allows, for the header Allow.
func methods(routes map[string]*Route) string {
	var out []string
	for m := range routes {
		out = append(out, m)
	}
	slices.Sort(out)
	return strings.Join(out, ", ")
}
