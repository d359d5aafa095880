package server

import (
	"errors"
	"net/http"
	"strings"

	"github.com/guidon-flags/guidon/internal/snapshot"
	"github.com/guidon-flags/guidon/internal/wire/posthog"
)

// document is an answer that is ready to be written.
type document struct {
	posthog.Document
	contentType []string
	etag        []string
	length      []string
}

func newDocument(contentType []string, d posthog.Document) document {
	return document{Document: d, contentType: contentType, etag: []string{d.ETag}, length: lengthOf(d.Body)}
}

// browserConfig is a version's configuration for clients, by itself.
type browserConfig struct{ object, script document }

var browserConfigs = snapshot.NewDerived(func(v *snapshot.Version) *browserConfig {
	c := clientConfig.Of(v)
	return &browserConfig{object: newDocument(typeJSON, c.Document()), script: newDocument(typeScript, c.Script())}
})

var (
	typeScript    = []string{"application/javascript; charset=utf-8"}
	noSniff       = []string{"nosniff"}
	publicControl = []string{"public, max-age=300"}
	varyReferer   = []string{corsVary[0] + ", Referer"}
)

// browserConfigPath reads /array/{token}/config and config.js; ok is false for
// other paths.
func browserConfigPath(path string) (token string, script, ok bool) {
	rest, ok := strings.CutPrefix(path, "/array/")
	if !ok {
		return "", false, false
	}
	if token, ok = strings.CutSuffix(rest, "/config"); ok {
		return token, false, true
	}
	token, ok = strings.CutSuffix(rest, "/config.js")
	return token, true, ok
}

// serveBrowserConfig serves what browsers and mobiles load before they ask for
// flags (section 13). An answer that says "no flags" keeps them from asking, so
// that nothing but a project's own definitions is answered from.
func (s *Server) serveBrowserConfig(x *exchange, r *http.Request) {
	if r.Method != http.MethodGet && r.Method != http.MethodHead {
		s.refuseMethod(x, allowDefinitions)
		return
	}
	token, script, _ := browserConfigPath(cleanPath(r.URL.Path))
	v, err := s.browserConfigVersion(token)
	if err != nil {
		s.refuseWith(x, err)
		return
	}
	x.project = v.Project.ID
	c := browserConfigs.Of(v)
	d := &c.object
	if script {
		d = &c.script
	}
	h := x.Header()
	h["Cache-Control"] = publicControl
	h["Vary"] = varyReferer
	h["Etag"] = d.etag
	if match := r.Header.Get("If-None-Match"); match != "" && posthog.ETagMatches(match, d.ETag) {
		x.WriteHeader(http.StatusNotModified)
		return
	}
	h["Content-Type"] = d.contentType
	h["Content-Length"] = d.length
	h["X-Content-Type-Options"] = noSniff
	x.WriteHeader(http.StatusOK)
	if r.Method != http.MethodHead {
		_, _ = x.Write(d.Body) // a write that fails has lost its client
	}
}

// browserConfigVersion finds the project of a token in a path, where a token
// that certainly is nobody's makes the path lead nowhere.
func (s *Server) browserConfigVersion(token string) (*snapshot.Version, error) {
	if err := posthog.CheckToken(token); err != nil {
		return nil, err
	}
	v, err := s.versionOf(token)
	if e, ok := errors.AsType[*posthog.Error](err); ok && e.Kind == posthog.UnknownToken {
		return nil, &posthog.Error{Kind: posthog.NotFound, Detail: "No project has this token."}
	}
	return v, err
}
