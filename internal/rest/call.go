package rest

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/guidon-flags/guidon/internal/auth"
	"github.com/guidon-flags/guidon/internal/manage"
)

// call is one request on its way.
type call struct {
	api    *API
	w      http.ResponseWriter
	r      *http.Request
	query  url.Values
	params map[string]string
	routes map[string]*Route // of the path
	route  *Route            // nil: not found yet
	read   *fields           // the body, once it was read

	// Set for routes that are not public.
	principal *auth.Principal
	who       manage.Caller

	access       manage.Access           // for routes of a project
	organization manage.OrganizationView // for routes of an organization
}

// reply is an answer.
type reply struct {
	status int
	body   any    // encoded as JSON; nil: no body
	etag   string // empty: none
}

func ok(body any) (reply, error)      { return reply{status: http.StatusOK, body: body}, nil }
func created(body any) (reply, error) { return reply{status: http.StatusCreated, body: body}, nil }
func empty(status int) (reply, error) { return reply{status: status}, nil }

// run takes a request through finding its route, checking who asks (section 2)
// and the handler.
func (c *call) run() (reply, error) {
	routes, path := c.api.router.find(c.r.URL.EscapedPath())
	if routes == nil {
		return reply{}, errNotFound
	}
	c.routes = routes
	method := c.r.Method
	if method == http.MethodHead {
		method = http.MethodGet
	}
	c.route = c.routes[method]
	if c.route != nil {
		c.params = c.route.parameters(path)
		if c.route.Access == Public {
			return c.route.handle(c)
		}
	}
	if err := c.authenticate(); err != nil {
		return reply{}, err
	}
	if c.principal.Kind == auth.PersonalKey {
		if err := c.api.limits.check(c.principal.Key); err != nil {
			return reply{}, err
		}
	}
	if c.route == nil {
		return reply{}, methodNotAllowed(fmt.Sprintf("Method \"%s\" not allowed.", c.r.Method))
	}
	if err := c.resolve(); err != nil {
		return reply{}, err
	}
	if err := c.authorize(); err != nil {
		return reply{}, err
	}
	return c.route.handle(c)
}

// authenticate finds the personal key in its places: the header, the query,
// the body.
func (c *call) authenticate() error {
	key, place := auth.BearerToken(c.r.Header.Get("Authorization")), "Authorization header"
	if key == "" {
		key, place = c.query.Get("personal_api_key"), "query string"
	}
	if key == "" && c.r.Method != http.MethodGet && c.r.Method != http.MethodHead {
		body, err := c.body()
		if err != nil {
			return err
		}
		key, place = body.credential(), "body"
	}
	p, err := c.api.auth.Bearer(c.r.Context(), key)
	switch {
	case errors.Is(err, auth.ErrNoCredential):
		return errNoCredential
	case errors.Is(err, auth.ErrInvalidKey):
		return invalidKey(place)
	case err != nil:
		return err
	case p.Kind != auth.PersonalKey && p.Kind != auth.LoginSession:
		return invalidKey(place) // the keys of a project are for the flags endpoints
	}
	c.principal = p
	c.who = manage.Caller{User: p.User, Key: p.Key, Projects: p.Projects, Organizations: p.Organizations, Via: "api"}
	if p.Kind == auth.LoginSession {
		c.who.Via = "console"
	}
	return nil
}

// resolve finds the project or organization that the path names and checks
// that the caller may touch it.
func (c *call) resolve() error {
	ctx := c.r.Context()
	var err error
	if ref, ok := c.params["organization"]; ok {
		if c.organization, err = c.api.m.Organizations.Get(ctx, c.who, ref); err != nil {
			return err
		}
	}
	ref, ok := c.params["project"]
	if !ok && !c.route.current {
		return nil
	}
	if c.route.current || ref == "@current" {
		c.access, err = c.api.m.CurrentProject(ctx, c.who, c.query.Get("token"))
		return err
	}
	id, err := strconv.ParseInt(ref, 10, 64)
	if err != nil {
		return errNotFound
	}
	c.access, err = c.api.m.Project(ctx, c.who, id)
	var refusal *manage.Error
	if c.route.itself && errors.As(err, &refusal) && refusal.Kind == manage.Forbidden && c.access.Level == 0 {
		return errNotFound // not a member: whether it exists is none of their business
	}
	if err == nil && c.params["organization"] != "" && c.access.Project.OrganizationID != c.organization.ID {
		return errNotFound
	}
	return err
}

// authorize checks the scopes of the key against those of the route.
func (c *call) authorize() error {
	if c.principal.Kind == auth.LoginSession {
		return nil
	}
	if c.route.Access == Session {
		return errSessionOnly
	}
	for _, scope := range c.route.Scopes {
		object, action, _ := strings.Cut(scope, ":")
		if !c.principal.Allows(object, action) {
			return missingScope(scope)
		}
	}
	return nil
}

// pattern is the route's pattern, for logs.
func (c *call) pattern() string {
	if c.route == nil {
		return "none"
	}
	return c.route.Pattern
}

// project is the id of the project that the request is about.
func (c *call) project() int64 { return c.access.Project.ID }

// number reads a parameter of the path that is an id.
func (c *call) number(param string) (int64, error) {
	id, err := strconv.ParseInt(c.params[param], 10, 64)
	if err != nil {
		return 0, errNotFound
	}
	return id, nil
}

// write sends an answer.
func (c *call) write(rep reply) {
	h := c.w.Header()
	if rep.etag != "" {
		h.Set("ETag", rep.etag)
	}
	if rep.body == nil {
		c.w.WriteHeader(rep.status)
		return
	}
	var b bytes.Buffer
	enc := json.NewEncoder(&b)
	enc.SetEscapeHTML(false)
	if err := enc.Encode(rep.body); err != nil {
		c.api.log.ErrorContext(c.r.Context(), "answer cannot be encoded", "route", c.pattern(), "error", err)
		c.w.WriteHeader(http.StatusInternalServerError)
		return
	}
	h.Set("Content-Type", "application/json")
	h.Set("Content-Length", strconv.Itoa(b.Len()))
	c.w.WriteHeader(rep.status)
	_, _ = c.w.Write(b.Bytes()) // a client that is gone needs no answer
}

// flagOf reads a query parameter that is "true" or "false"; nil: neither.
func (c *call) flagOf(name string) *bool {
	var b bool
	switch strings.ToLower(c.query.Get(name)) {
	case "true", "1":
		b = true
	case "false", "0":
	default:
		return nil
	}
	return &b
}

// listOf reads a query parameter that is a JSON list of texts; unreadable ones
// are no filter.
func (c *call) listOf(name string) []string {
	var out []string
	if json.Unmarshal([]byte(c.query.Get(name)), &out) != nil {
		return nil
	}
	return slices.DeleteFunc(out, func(s string) bool { return s == "" })
}

const (
	defaultLimit = 100
	maxLimit     = 1000
)

// paging reads limit and offset (1.2).
func (c *call) paging() (limit, offset int) {
	return c.limit(defaultLimit), max(0, atoi(c.query.Get("offset"), 0))
}

func (c *call) limit(unset int) int {
	n := atoi(c.query.Get("limit"), unset)
	if n <= 0 {
		n = unset
	}
	return min(n, maxLimit)
}

func atoi(s string, unset int) int {
	n, err := strconv.Atoi(s)
	if err != nil {
		return unset
	}
	return n
}

// listPage is a page of a list (1.2).
type listPage struct {
	Count    int     `json:"count"`
	Next     *string `json:"next"`
	Previous *string `json:"previous"`
	Results  any     `json:"results"`
}

// page makes the answer for a page of a list of total items.
func (c *call) page(results any, total, limit, offset int) (reply, error) {
	next, previous := c.neighbours(offset+limit < total, limit, offset)
	return ok(listPage{Count: total, Next: next, Previous: previous, Results: results})
}

// openPage is a page of a list whose length is not known.
type openPage struct {
	Results  any     `json:"results"`
	Next     *string `json:"next"`
	Previous *string `json:"previous"`
}

func (c *call) openPage(results any, more bool, limit, offset int) (reply, error) {
	next, previous := c.neighbours(more, limit, offset)
	return ok(openPage{Results: results, Next: next, Previous: previous})
}

// neighbours makes the addresses of the next and the previous page.
func (c *call) neighbours(more bool, limit, offset int) (next, previous *string) {
	if more {
		next = c.address("offset", strconv.Itoa(offset+limit), "limit", strconv.Itoa(limit))
	}
	if offset > 0 {
		previous = c.address("offset", strconv.Itoa(max(0, offset-limit)), "limit", strconv.Itoa(limit))
	}
	return next, previous
}

// address is the absolute address of this request with some query parameters
// set; all others are kept, but for a key.
func (c *call) address(pairs ...string) *string {
	q := make(url.Values, len(c.query))
	for name, values := range c.query {
		if name != "personal_api_key" {
			q[name] = values
		}
	}
	for i := 0; i+1 < len(pairs); i += 2 {
		q.Set(pairs[i], pairs[i+1])
	}
	u := url.URL{Scheme: "http", Host: c.r.Host, Path: c.r.URL.Path, RawPath: c.r.URL.RawPath, RawQuery: q.Encode()}
	if c.r.TLS != nil || c.r.Header.Get("X-Forwarded-Proto") == "https" {
		u.Scheme = "https"
	}
	s := u.String()
	return &s
}

// stamp is a time as answers show it.
type stamp time.Time

// MarshalJSON writes UTC with microseconds; the zero time is null.
func (t stamp) MarshalJSON() ([]byte, error) {
	if time.Time(t).IsZero() {
		return []byte("null"), nil
	}
	return time.Time(t).UTC().AppendFormat(nil, `"2006-01-02T15:04:05.000000Z"`), nil
}

// orNull is a text that is null if it is empty.
type orNull string

// MarshalJSON writes the text or null.
func (s orNull) MarshalJSON() ([]byte, error) {
	if s == "" {
		return []byte("null"), nil
	}
	return json.Marshal(string(s))
}

// rawJSON is stored JSON, null if there is none.
func rawJSON(raw []byte) json.RawMessage {
	if len(raw) == 0 {
		return json.RawMessage("null")
	}
	return raw
}

// list gives an empty list for nil, so that it is not encoded as null.
func list[T any](s []T) []T {
	if s == nil {
		return []T{}
	}
	return s
}

// each applies fn to each item of a list; the result is never nil.
func each[T, U any](items []T, fn func(T) U) []U {
	out := make([]U, len(items))
	for i, v := range items {
		out[i] = fn(v)
	}
	return out
}
