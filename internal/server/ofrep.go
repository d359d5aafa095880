package server

import (
	"context"
	"errors"
	"net/http"
	"strings"
	"sync"

	"github.com/guidon-flags/guidon/internal/auth"
	"github.com/guidon-flags/guidon/internal/decide"
	"github.com/guidon-flags/guidon/internal/feature"
	"github.com/guidon-flags/guidon/internal/snapshot"
	"github.com/guidon-flags/guidon/internal/wire/ofrep"
	"github.com/guidon-flags/guidon/internal/wire/posthog"
)

// ofrepPath is the address for all flags; below it is that of each (clients
// 10.1).
const ofrepPath = "/ofrep/v1/evaluate/flags"

const allowOFREP = "POST, OPTIONS"

// ofrepFlags is what a version answers OpenFeature's clients.
type ofrepFlags struct {
	*ofrep.Answers

	// By flag: whether it is kept from those who have a key, and from those
	// who have the project token only. Encrypted remote configurations are for
	// an endpoint of their own, and flags of servers are not for browsers.
	hidden, hiddenInPublic []bool
}

var ofrepAnswers = snapshot.NewDerived(func(v *snapshot.Version) *ofrepFlags {
	n := v.Program.Len()
	a := &ofrepFlags{Answers: ofrep.NewAnswers(v.Program), hidden: make([]bool, n), hiddenInPublic: make([]bool, n)}
	for i := range n {
		f := &v.Flags[v.Stored[i]]
		a.hidden[i] = isTrue(f.EncryptedPayloads) && isTrue(f.RemoteConfiguration)
		a.hiddenInPublic[i] = a.hidden[i] || !publicRuntimes.Has(v.Program.Flag(i).Runtime)
	}
	return a
})

// publicRuntimes are those of the flags that the project token gets: the
// protocol does not say where a flag is evaluated, and any web page has the token.
var publicRuntimes = feature.Runtimes(feature.RuntimeAny, feature.RuntimeClient)

// ofrepState is what one request needs; it is reused by later ones.
type ofrepState struct {
	evaluation
	request  ofrep.Request
	unpacked []byte    // a decompressed body
	keys     [1]string // of the flag that is asked for
}

var ofrepStates = sync.Pool{New: func() any { return new(ofrepState) }}

func (s *Server) releaseOFREP(st *ofrepState) {
	s.clear(&st.evaluation)
	st.request.Reset()
	st.keys[0] = ""
	if cap(st.unpacked) > keepState {
		st.unpacked = nil
	}
	ofrepStates.Put(st)
}

// view is the part of a project that a credential gets.
type view struct {
	version  *snapshot.Version
	runtimes feature.RuntimeSet // 0: all
	hidden   []bool             // by flag
}

// serveOFREP serves the OpenFeature Remote Evaluation Protocol (clients 10): one
// flag if the path names it, else all.
func (s *Server) serveOFREP(x *exchange, r *http.Request) {
	x.version = "ofrep"
	x.requestID = requestID(r.Header)
	key, one := strings.CutPrefix(cleanPath(r.URL.Path), ofrepPath+"/")
	st := ofrepStates.Get().(*ofrepState)
	defer s.releaseOFREP(st)
	err := s.answerOFREP(x, r, st, key, one)
	switch {
	case err != nil:
		s.refuseOFREP(x, st.out[:0], key, one, err)
	case one:
		respond(x, http.StatusOK, st.out)
	default:
		s.respondTagged(x, r, st.out)
	}
}

// answerOFREP leaves the answer in st.out. The error is an *ofrep.Error or an
// *posthog.Error.
func (s *Server) answerOFREP(x *exchange, r *http.Request, st *ofrepState, key string, one bool) error {
	if r.Method != http.MethodPost {
		x.Header()["Allow"] = []string{allowOFREP}
		return &posthog.Error{Kind: posthog.BadMethod}
	}
	seen, err := s.viewOFREP(r)
	if err != nil {
		return err
	}
	x.project = seen.version.Project.ID
	if err := s.readBody(x, r, &st.evaluation); err != nil {
		return err
	}
	if err := s.decodeOFREP(r.Context(), st, r.Header.Get("Content-Encoding")); err != nil {
		return err
	}
	st.wanted = decide.Request{
		DistinctID: st.request.TargetingKey, DeviceID: st.request.DeviceID, Properties: &st.request,
		AllKeys: true, Runtimes: seen.runtimes, Now: x.start,
	}
	st.out = st.out[:0]
	if one {
		st.keys[0] = key
		return s.decideOne(r.Context(), st, &seen)
	}
	s.decide(r.Context(), seen.version, &st.evaluation)
	st.out = ofrepAnswers.Of(seen.version).AppendAll(st.out, &st.answer.Results, seen.hidden)
	return nil
}

// decideOne answers about the flag st.keys.
func (s *Server) decideOne(ctx context.Context, st *ofrepState, seen *view) error {
	p := seen.version.Program
	i, ok := p.Index(st.keys[0])
	if !ok || seen.hidden[i] {
		return &ofrep.Error{Code: ofrep.FlagNotFound, Detail: "The project has no such flag for this key."}
	}
	answers := ofrepAnswers.Of(seen.version)
	if !p.Flag(i).Active {
		st.out = answers.AppendInactive(st.out, i)
		return nil
	}
	st.wanted.AllKeys, st.wanted.Keys = false, st.keys[:]
	s.decide(ctx, seen.version, &st.evaluation)
	for k := range st.answer.Items {
		r := &st.answer.Items[k]
		switch {
		case r.Flag != i:
		case r.Failure == nil:
			st.out = answers.AppendFlag(st.out, r)
			return nil
		case ofrep.Passing(r.Failure):
			return &posthog.Error{Kind: posthog.Unavailable, Detail: r.Failure.Description}
		default:
			return &ofrep.Error{Code: ofrep.General, Detail: ofrep.Detail(r.Failure)}
		}
	}
	return &posthog.Error{Kind: posthog.InternalError} // an active flag always has a result
}

// viewOFREP finds the project of a request and what its credential gets: the project
// token, or a key that may read definitions.
func (s *Server) viewOFREP(r *http.Request) (view, error) {
	key := auth.BearerToken(r.Header.Get("Authorization"))
	if key == "" {
		key = strings.TrimSpace(r.Header.Get("X-Api-Key"))
	}
	if strings.HasPrefix(key, auth.SecretPrefix) || strings.HasPrefix(key, auth.PersonalPrefix) {
		v, err := s.keyedVersion(r, key)
		if err != nil {
			return view{}, err
		}
		return view{version: v, hidden: ofrepAnswers.Of(v).hidden}, nil
	}
	v, err := s.versionOf(key)
	if err != nil {
		return view{}, err
	}
	return view{version: v, runtimes: publicRuntimes, hidden: ofrepAnswers.Of(v).hiddenInPublic}, nil
}

// decodeOFREP decodes the body in st. If it is large, or inflates to what is
// large, there has to be room for it.
func (s *Server) decodeOFREP(ctx context.Context, st *ofrepState, encoding string) error {
	text := st.body
	switch strings.ToLower(strings.TrimSpace(encoding)) {
	case "", "identity":
		if len(text) > smallBody && !s.hold(ctx, &st.evaluation) {
			return &posthog.Error{Kind: posthog.Overloaded}
		}
	case "gzip", "x-gzip":
		var err error
		if text, err = s.gunzip(ctx, st); err != nil {
			return err
		}
	default:
		return &ofrep.Error{Code: ofrep.ParseError, Detail: "The content encoding is not supported. Use gzip."}
	}
	return st.request.Decode(text)
}

// gunzip returns the content of a compressed body, in memory of st.
func (s *Server) gunzip(ctx context.Context, st *ofrepState) ([]byte, error) {
	var err error
	st.unpacked, err = posthog.Gunzip(st.unpacked[:0], st.body, smallBody)
	e, ok := errors.AsType[*posthog.Error](err)
	switch {
	case !ok:
		return st.unpacked, err
	case e.Kind != posthog.TooLarge:
		return nil, &ofrep.Error{Code: ofrep.ParseError, Detail: "The body is not valid gzip."}
	case !s.hold(ctx, &st.evaluation):
		return nil, &posthog.Error{Kind: posthog.Overloaded}
	}
	st.unpacked, err = posthog.Gunzip(st.unpacked[:0], st.body, posthog.MaxUncompressed)
	return st.unpacked, err
}

// hold waits for room for a large body, which st gives back when it is cleared.
func (s *Server) hold(ctx context.Context, st *evaluation) bool {
	if !s.room.take(ctx, largeFlags) {
		return false
	}
	st.held = largeFlags
	return true
}

// respondTagged writes an answer about all flags, or that the client has it
// already. An answer to a POST is no resource that could exist for everybody: "*"
// does not match.
func (s *Server) respondTagged(x *exchange, r *http.Request, body []byte) {
	tag := ofrep.ETag(body)
	x.Header()["Etag"] = []string{tag}
	match := r.Header.Get("If-None-Match")
	if match != "" && !strings.Contains(match, "*") && posthog.ETagMatches(match, tag) {
		x.WriteHeader(http.StatusNotModified)
		return
	}
	respond(x, http.StatusOK, body)
}

// refuseOFREP answers with an error in OpenFeature's form, made in b.
func (s *Server) refuseOFREP(x *exchange, b []byte, key string, one bool, err error) {
	e, ok := errors.AsType[*ofrep.Error](err)
	status := 0
	if ok {
		status = e.Code.Status()
		x.code = strings.ToLower(e.Code.String())
	} else {
		refusal := s.note(x, err)
		status = refusal.Kind.Status()
		e = &ofrep.Error{Code: ofrep.General, Detail: refusal.Error()}
	}
	if one {
		b = ofrep.AppendError(b, key, e.Code, e.Detail)
	} else {
		b = ofrep.AppendBulkError(b, e.Code, e.Detail)
	}
	respond(x, status, b)
}
