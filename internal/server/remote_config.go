package server

import (
	"net/http"
	"strconv"
	"strings"

	"github.com/guidon-flags/guidon/internal/auth"
	"github.com/guidon-flags/guidon/internal/snapshot"
	"github.com/guidon-flags/guidon/internal/wire/posthog"
)

// remoteConfig is one flag that is a remote configuration.
type remoteConfig struct {
	payload   []byte // JSON as stored; nil: none
	encrypted bool
	err       error // the flag cannot be read
}

// remoteConfigs are a version's remote configurations. Encrypted ones are no
// part of its program, so that they are found among the stored flags.
type remoteConfigs struct {
	byKey map[string]*remoteConfig
	byID  map[int64]*remoteConfig
}

var remoteConfigsOf = snapshot.NewDerived(func(v *snapshot.Version) *remoteConfigs {
	all := &remoteConfigs{byKey: make(map[string]*remoteConfig), byID: make(map[int64]*remoteConfig)}
	for i := range v.Flags {
		f := &v.Flags[i]
		if f.Deleted || !isTrue(f.RemoteConfiguration) {
			continue
		}
		c := &remoteConfig{encrypted: isTrue(f.EncryptedPayloads)}
		c.payload, c.err = posthog.RemoteConfigPayload(f.Filters)
		all.byKey[f.Key], all.byID[f.ID] = c, c
	}
	return all
})

// find returns a remote configuration by key or, if name is all digits, by id;
// nil if there is none.
func (a *remoteConfigs) find(name string) *remoteConfig {
	if !digits(name) {
		return a.byKey[name]
	}
	id, err := strconv.ParseInt(name, 10, 64)
	if err != nil {
		return nil // more digits than an id has
	}
	return a.byID[id]
}

// remoteConfigPath reads
// /api/{projects,environments}/{project}/feature_flags/{flag}/remote_config; ok
// is false for other paths.
func remoteConfigPath(path string) (project, flag string, ok bool) {
	rest, ok := strings.CutPrefix(path, "/api/projects/")
	if !ok {
		rest, ok = strings.CutPrefix(path, "/api/environments/")
	}
	if !ok {
		return "", "", false
	}
	project, rest, _ = strings.Cut(rest, "/")
	rest, of := strings.CutPrefix(rest, "feature_flags/")
	flag, ends := strings.CutSuffix(rest, "/remote_config")
	return project, flag, of && ends && project != "" && flag != ""
}

// serveRemoteConfig serves the payload of one remote configuration (section
// 12), from memory: it needs the store for a key that was not seen before only.
func (s *Server) serveRemoteConfig(x *exchange, r *http.Request) {
	if r.Method != http.MethodGet && r.Method != http.MethodHead {
		s.refuseMethod(x, allowDefinitions)
		return
	}
	payload, err := s.remoteConfigPayload(x, r)
	if err != nil {
		s.refuseEmpty(x, err)
		return
	}
	h := x.Header()
	h["Content-Type"] = typeJSON
	h["Content-Length"] = lengthOf(payload)
	x.WriteHeader(http.StatusOK)
	if r.Method != http.MethodHead {
		_, _ = x.Write(payload) // a write that fails has lost its client
	}
}

// refuseEmpty refuses without a body: posthog-node does not look at the status
// and takes the body of an error for the payload. A payload that cannot be
// decrypted has the body that the reference gives it.
func (s *Server) refuseEmpty(x *exchange, err error) {
	e := s.note(x, err)
	if e.Kind == posthog.DecryptFailed {
		respond(x, e.Kind.Status(), e.AppendJSON(nil))
		return
	}
	setLength(x.Header(), 0)
	x.WriteHeader(e.Kind.Status())
}

// remoteConfigPayload finds the payload that a request may have.
func (s *Server) remoteConfigPayload(x *exchange, r *http.Request) ([]byte, error) {
	project, flag, _ := remoteConfigPath(cleanPath(r.URL.Path))
	v, p, err := s.remoteConfigVersion(r, project)
	if err != nil {
		return nil, err
	}
	x.project = v.Project.ID
	c := remoteConfigsOf.Of(v).find(flag)
	switch {
	case c == nil:
		return nil, &posthog.Error{Kind: posthog.NotFound}
	case c.err != nil:
		return nil, &posthog.Error{Kind: posthog.BadDefinitions}
	case c.encrypted && c.payload != nil && p.Kind != auth.PersonalKey:
		return []byte(posthog.RedactedPayload), nil
	case c.encrypted && c.payload != nil:
		return nil, &posthog.Error{Kind: posthog.DecryptFailed} // this server has no key to decrypt with
	}
	return c.payload, nil
}

// remoteConfigVersion finds the project that a request is about, by the token
// of the query or else by the path, and checks the key. Whether a project
// exists is told to those alone who have a key.
func (s *Server) remoteConfigVersion(r *http.Request, project string) (*snapshot.Version, *auth.Principal, error) {
	var v *snapshot.Version
	var id int64
	var err error
	if token := r.URL.Query().Get("token"); token != "" {
		v, err = s.versionOf(token)
	} else if id, err = strconv.ParseInt(project, 10, 64); err != nil {
		err = &posthog.Error{Kind: posthog.NotFound}
	}
	if err != nil {
		return nil, nil, err
	}
	p, err := s.deps.Auth.Bearer(r.Context(), auth.BearerToken(r.Header.Get("Authorization")))
	if err != nil {
		return nil, nil, refusal(err)
	}
	if v == nil {
		if v, err = s.versionByID(id); err != nil {
			return nil, nil, err
		}
	}
	switch {
	case p.Project != 0 && p.Project != v.Project.ID:
		return nil, nil, &posthog.Error{Kind: posthog.ForeignCredential}
	case !p.Reaches(v.Project.ID, v.Project.OrganizationID):
		return nil, nil, &posthog.Error{Kind: posthog.UnknownCredential}
	case !p.Allows("feature_flag", "read"):
		return nil, nil, &posthog.Error{Kind: posthog.NoPermission}
	}
	return v, p, nil
}

// versionByID finds the project of an id.
func (s *Server) versionByID(id int64) (*snapshot.Version, error) {
	v, known, certain := s.deps.Set.ByID(id)
	switch {
	case v != nil:
		return v, nil
	case !known && certain:
		return nil, &posthog.Error{Kind: posthog.NotFound}
	}
	return nil, &posthog.Error{Kind: posthog.Unavailable}
}
