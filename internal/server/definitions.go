package server

import (
	"bytes"
	"errors"
	"net/http"
	"strings"

	"github.com/klauspost/compress/gzip"

	"github.com/guidon-flags/guidon/internal/auth"
	"github.com/guidon-flags/guidon/internal/snapshot"
	"github.com/guidon-flags/guidon/internal/store"
	"github.com/guidon-flags/guidon/internal/wire/posthog"
)

// definitionsBody is what SDKs download of a version, ready to be written.
type definitionsBody struct {
	posthog.Definitions
	etag   []string
	length []string
}

// definitions are encoded once per version.
var definitions = snapshot.NewDerived(func(v *snapshot.Version) *definitionsBody {
	d := posthog.NewDefinitions(definitionInput(v))
	return &definitionsBody{Definitions: d, etag: []string{d.ETag}, length: lengthOf(d.Body)}
})

// packed are the compressed definitions of a version, made when a client first
// asks for them.
type packed struct {
	body   []byte
	length []string
}

var packedDefinitions = snapshot.NewDerived(func(v *snapshot.Version) *packed {
	var out bytes.Buffer
	z, err := gzip.NewWriterLevel(&out, gzip.BestCompression)
	if err == nil {
		_, err = z.Write(definitions.Of(v).Body)
	}
	if err == nil {
		err = z.Close()
	}
	if err != nil { // a buffer takes everything
		return &packed{}
	}
	return &packed{body: out.Bytes(), length: lengthOf(out.Bytes())}
})

// packFrom is the size from which on compressing is worth it.
const packFrom = 1024

var (
	cacheControl = []string{"private, must-revalidate"}
	varyEncoding = []string{corsVary[0] + ", Accept-Encoding"}
	encodingGzip = []string{"gzip"}
)

// projectHeader names the project where the query does not: posthog-rs sends
// it (clients 2.22).
const projectHeader = "X-Posthog-Project-Api-Key"

// serveDefinitions serves the definitions for local evaluation (section 11).
// Clients throw theirs away on a 401 or 402: those are for what is certain.
func (s *Server) serveDefinitions(x *exchange, r *http.Request) {
	if r.Method != http.MethodGet && r.Method != http.MethodHead {
		s.refuseMethod(x, allowDefinitions)
		return
	}
	s.deps.Metrics.Definitions.Inc()
	v, err := s.keyedVersion(r, auth.BearerToken(r.Header.Get("Authorization")))
	if err != nil {
		s.refuseWith(x, err)
		return
	}
	x.project = v.Project.ID
	d, h := definitions.Of(v), x.Header()
	h["Etag"] = d.etag
	h["Cache-Control"] = cacheControl
	h["Vary"] = varyEncoding
	match := r.Header.Get("If-None-Match")
	if match != "" && posthog.ETagMatches(match, d.ETag) {
		s.deps.Metrics.ETags.With("hit").Inc()
		x.WriteHeader(http.StatusNotModified)
		return
	}
	s.deps.Metrics.ETags.With(tagResult(match)).Inc()
	body, length := d.Body, d.length
	if len(body) >= packFrom && acceptsGzip(r.Header) {
		if p := packedDefinitions.Of(v); len(p.body) > 0 {
			body, length = p.body, p.length
			h["Content-Encoding"] = encodingGzip
		}
	}
	h["Content-Type"] = typeJSON
	h["Content-Length"] = length
	x.WriteHeader(http.StatusOK)
	if r.Method != http.MethodHead {
		_, _ = x.Write(body) // a write that fails has lost its client
	}
}

func tagResult(match string) string {
	if match == "" {
		return "none"
	}
	return "miss"
}

// keyedVersion finds the project that a request with a secret or personal key is
// about and checks that the key may read its definitions (section 10): first the
// token, then the key.
func (s *Server) keyedVersion(r *http.Request, key string) (*snapshot.Version, error) {
	token := r.URL.Query().Get("token")
	if token == "" {
		token = r.Header.Get(projectHeader)
	}
	if token == "" {
		return s.versionOfKey(r, key)
	}
	v, err := s.versionOf(token)
	if err != nil {
		return nil, err
	}
	return v, s.checkKey(r, key, &v.Project)
}

// versionOfKey finds the project of a key that belongs to one.
func (s *Server) versionOfKey(r *http.Request, key string) (*snapshot.Version, error) {
	p, err := s.deps.Auth.Bearer(r.Context(), key)
	if err != nil {
		return nil, refusal(err)
	}
	if p.Project == 0 {
		return nil, &posthog.Error{Kind: posthog.NoProject}
	}
	v, known, certain := s.deps.Set.ByID(p.Project)
	switch {
	case v != nil:
		return v, s.checkKey(r, key, &v.Project)
	case !known && certain:
		return nil, &posthog.Error{Kind: posthog.UnknownCredential}
	}
	return nil, &posthog.Error{Kind: posthog.Unavailable}
}

func (s *Server) checkKey(r *http.Request, key string, project *store.Project) error {
	_, err := s.deps.Auth.Definitions(r.Context(), key, project)
	return refusal(err)
}

// refusal translates what auth says of a key.
func refusal(err error) error {
	switch {
	case err == nil:
		return nil
	case errors.Is(err, auth.ErrNoCredential):
		return &posthog.Error{Kind: posthog.NoCredential}
	case errors.Is(err, auth.ErrInvalidKey):
		return &posthog.Error{Kind: posthog.UnknownCredential}
	case errors.Is(err, auth.ErrNoScope):
		return &posthog.Error{Kind: posthog.NoPermission}
	case errors.Is(err, auth.ErrUnavailable):
		return &posthog.Error{Kind: posthog.Unavailable}
	}
	return err
}

// acceptsGzip reports whether a client takes gzip: it names it, and not with a
// weight of zero.
func acceptsGzip(h http.Header) bool {
	for _, header := range h["Accept-Encoding"] {
		for _, part := range strings.Split(header, ",") {
			name, params, _ := strings.Cut(part, ";")
			if !strings.EqualFold(strings.TrimSpace(name), "gzip") {
				continue
			}
			weight, ok := strings.CutPrefix(strings.ReplaceAll(params, " ", ""), "q=")
			return !ok || strings.Trim(weight, "0.") != ""
		}
	}
	return false
}
