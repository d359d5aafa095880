package server

import (
	"context"
	"errors"
	"io"
	"net/http"
	"sync"
	"sync/atomic"
	"time"

	"github.com/guidon-flags/guidon/internal/decide"
	"github.com/guidon-flags/guidon/internal/eval"
	"github.com/guidon-flags/guidon/internal/snapshot"
	"github.com/guidon-flags/guidon/internal/telemetry"
	"github.com/guidon-flags/guidon/internal/wire/posthog"
)

// encoder encodes the answers of a version.
type encoder struct {
	*posthog.Answers
	longest atomic.Int64 // answer so far, in bytes
}

var encoders = snapshot.NewDerived(func(v *snapshot.Version) *encoder {
	return &encoder{Answers: posthog.NewAnswers(v.Program)}
})

// appendTo appends an answer to b. A buffer that is too small is replaced by
// one that has room for the longest answer so far, rather than grown in steps.
func (e *encoder) appendTo(b []byte, f posthog.Format, res *eval.Results, m *posthog.Meta) []byte {
	longest := e.longest.Load()
	if int64(cap(b)) < longest {
		b = make([]byte, 0, longest+longest/8)
	}
	b = e.Append(b, f, res, m)
	if n := int64(len(b)); n > longest {
		e.longest.Store(n) // a lost race costs one larger step
	}
	return b
}

// evaluation is what a request for decisions needs in any protocol; it is reused
// by later ones.
type evaluation struct {
	body   []byte // as received
	wanted decide.Request
	answer decide.Answer
	out    []byte
	held   int64 // bytes of room
}

// flagsState is what one flags request needs.
type flagsState struct {
	evaluation
	request posthog.FlagsRequest
}

var flagsStates = sync.Pool{New: func() any { return new(flagsState) }}

// keepState is how large a buffer may have grown to be kept for later.
const keepState = 256 << 10

func (s *Server) release(st *flagsState) {
	s.clear(&st.evaluation)
	flagsStates.Put(st)
}

// clear prepares st for the next request.
func (s *Server) clear(st *evaluation) {
	s.room.give(st.held)
	st.held = 0
	if cap(st.body) > keepState {
		st.body = nil
	}
	if cap(st.out) > keepState {
		st.out = nil
	}
	st.wanted = decide.Request{}
}

// flagsMeta is what a flags request says outside of its body, in no terms of
// net/http.
type flagsMeta struct {
	query     posthog.FlagsQuery
	decide    bool // the request came in on /decide (8.1)
	hints     posthog.BodyHints
	userAgent string
	browser   bool // it has a header that only browsers send (7.1)
	requestID string
	now       time.Time
}

// serveFlags serves /flags (section 3).
func (s *Server) serveFlags(x *exchange, r *http.Request) {
	s.serveEvaluation(x, r, r.Header.Get("X-Original-Endpoint") == "decide")
}

// serveDecide serves /decide, which is /flags in older forms (8.1).
func (s *Server) serveDecide(x *exchange, r *http.Request) { s.serveEvaluation(x, r, true) }

func (s *Server) serveEvaluation(x *exchange, r *http.Request, decide bool) {
	switch r.Method {
	case http.MethodPost:
		s.postFlags(x, r, decide)
	case http.MethodGet:
		s.getFlags(x, r)
	case http.MethodHead:
		x.Header()["Content-Type"] = typeJSON
		x.WriteHeader(http.StatusOK)
	default:
		s.refuseMethod(x, allowEvaluation)
	}
}

// getFlags answers a GET, which never evaluates (section 3).
func (s *Server) getFlags(x *exchange, r *http.Request) {
	x.requestID = requestID(r.Header)
	q := posthog.ParseFlagsQuery(r.URL.RawQuery)
	respond(x, http.StatusOK, posthog.AppendFixed(nil, q.FixedFormat(), &posthog.Meta{
		RequestID: x.requestID, EvaluatedAt: x.start.UnixMilli(),
	}))
}

// postFlags answers a POST: the order of section 6.
func (s *Server) postFlags(x *exchange, r *http.Request, decide bool) {
	st := flagsStates.Get().(*flagsState)
	defer s.release(st)
	m := flagsMeta{
		query:  posthog.ParseFlagsQuery(r.URL.RawQuery),
		decide: decide,
		hints: posthog.BodyHints{
			ContentType: r.Header.Get("Content-Type"), ContentEncoding: r.Header.Get("Content-Encoding"),
		},
		userAgent: r.UserAgent(),
		browser:   fromBrowser(r.Header),
		requestID: requestID(r.Header),
		now:       x.start,
	}
	m.hints.Compression = m.query.Compression
	x.requestID = m.requestID
	x.version = formatName(m.query.Format(decide))

	if err := s.readBody(x, r, &st.evaluation); err != nil {
		s.refuseWith(x, err)
		return
	}
	v, err := s.decideFlags(r.Context(), st, &m)
	if v != nil {
		x.project = v.Project.ID
	}
	if err != nil {
		s.refuseWith(x, err)
		return
	}
	respond(x, http.StatusOK, st.out)
}

// fromBrowser reports whether a request has a header of which only browsers
// send all or some (7.1).
func fromBrowser(h http.Header) bool {
	for _, name := range [...]string{"Origin", "Referer", "Sec-Fetch-Mode", "Sec-Fetch-Site"} {
		if len(h[name]) > 0 {
			return true
		}
	}
	return false
}

// formatName is the value of the label version.
func formatName(f posthog.Format) string {
	switch f {
	case posthog.LegacyV1:
		return "v1"
	case posthog.DecideV1:
		return "decide1"
	case posthog.DecideV2:
		return "decide2"
	}
	return "v2"
}

// readBody reads the body into st: up to posthog.MaxBody bytes (4.1).
func (s *Server) readBody(x *exchange, r *http.Request, st *evaluation) error {
	st.body = st.body[:0]
	start := s.opts.Now()
	body := r.Body
	switch {
	case r.ContentLength > posthog.MaxBody:
		x.Header()["Connection"] = closeConnection // rather than read on
		return &posthog.Error{Kind: posthog.TooLarge}
	case r.ContentLength < 0:
		body = http.MaxBytesReader(x.ResponseWriter, body, posthog.MaxBody)
	default:
		st.body = bufferFor(st.body, r.ContentLength)
	}
	var err error
	st.body, err = readAll(st.body, body)
	s.deps.Metrics.BodyTime.Observe(telemetry.Milliseconds(s.opts.Now().Sub(start)))
	s.deps.Metrics.BodySize.Observe(float64(len(st.body)))
	if err == nil {
		return nil
	}
	if _, ok := errors.AsType[*http.MaxBytesError](err); ok {
		return &posthog.Error{Kind: posthog.TooLarge}
	}
	return &posthog.Error{Kind: posthog.BodyRead}
}

// bufferFor returns b, which is empty, or a larger buffer for a body of which the
// header says that it has n bytes; n < 0 if it does not say. A length is a claim
// until the bytes are there, so that a large one is not believed at once.
func bufferFor(b []byte, n int64) []byte {
	n = min(n, keepState) + 1 // room to find the end in the same read
	if int64(cap(b)) < n {
		return make([]byte, 0, n)
	}
	return b
}

// readAll appends all of r to b.
func readAll(b []byte, r io.Reader) ([]byte, error) {
	for {
		if len(b) == cap(b) {
			b = append(b, 0)[:len(b)]
		}
		n, err := r.Read(b[len(b):cap(b)])
		b = b[:len(b)+n]
		if errors.Is(err, io.EOF) {
			return b, nil
		}
		if err != nil {
			return b, err
		}
	}
}

// decideFlags decodes the body in st, decides, and leaves the answer in
// st.out. It returns the project's version as soon as it is known. The error
// is an *posthog.Error.
func (s *Server) decideFlags(ctx context.Context, st *flagsState, m *flagsMeta) (*snapshot.Version, error) {
	req := &st.request
	err := s.decode(ctx, st, m.hints)
	if req.Warnings != 0 {
		req.Warnings.Each(func(name string) { s.deps.Metrics.Kludges.With(name).Inc() })
	}
	if err != nil {
		return nil, err
	}
	v, err := s.versionOf(req.Token)
	if err != nil {
		return nil, err
	}
	if !req.HasDistinctID && !req.DisableFlags {
		return v, &posthog.Error{Kind: posthog.NoDistinctID}
	}
	format := m.query.Format(m.decide)
	meta := posthog.Meta{RequestID: m.requestID, EvaluatedAt: m.now.UnixMilli()}
	if m.query.Config(m.decide) {
		meta.Config = clientConfig.Of(v)
	}
	st.out = st.out[:0]
	if req.DisableFlags {
		st.out = posthog.AppendEmpty(st.out, format, &meta)
		return v, nil
	}
	s.evaluate(ctx, v, st, m)
	if m.query.Detailed {
		meta.Traces = st.answer.Traces
	}
	st.out = encoders.Of(v).appendTo(st.out, format, &st.answer.Results, &meta)
	return v, nil
}

// decode decodes the body in st. If it is large, or inflates to what is large,
// there has to be room for it.
func (s *Server) decode(ctx context.Context, st *flagsState, hints posthog.BodyHints) error {
	if len(st.body) <= smallBody {
		hints.Limit = smallBody
		err := st.request.Decode(st.body, hints)
		if e, ok := errors.AsType[*posthog.Error](err); !ok || e.Kind != posthog.TooLarge {
			return err
		}
		hints.Limit = 0
	}
	if !s.room.take(ctx, largeFlags) {
		return &posthog.Error{Kind: posthog.Overloaded}
	}
	st.held = largeFlags
	return st.request.Decode(st.body, hints)
}

// versionOf returns the current version of the project with a token. "No such
// token" is said only when it is certain (section 24).
func (s *Server) versionOf(token string) (*snapshot.Version, error) {
	if token == "" {
		return nil, &posthog.Error{Kind: posthog.NoToken}
	}
	v, known, certain := s.deps.Set.ByToken(token)
	switch {
	case v != nil:
		return v, nil
	case !known && certain:
		return nil, &posthog.Error{Kind: posthog.UnknownToken}
	}
	return nil, &posthog.Error{Kind: posthog.Unavailable}
}

// evaluate decides what st asks for into st.answer.
func (s *Server) evaluate(ctx context.Context, v *snapshot.Version, st *flagsState, m *flagsMeta) {
	req := &st.request
	st.wanted = decide.Request{
		DistinctID: req.DistinctID, AnonID: req.AnonID, DeviceID: req.DeviceID,
		Properties: req,
		AllKeys:    req.AllKeys, Keys: req.Keys,
		Runtimes: req.WantedRuntimes(m.userAgent, m.browser), Contexts: req.Contexts,
		SurveysOnly:   m.query.SurveysOnly,
		OverridesOnly: m.query.OverridesOnly,
		ReadOnly:      m.query.ReadOnly(),
		Trace:         m.query.Detailed,
		Now:           m.now,
	}
	s.decide(ctx, v, &st.evaluation)
}

// decide decides what st wants into st.answer.
func (s *Server) decide(ctx context.Context, v *snapshot.Version, st *evaluation) {
	s.deps.Engine.Decide(ctx, v, &st.wanted, &st.answer)
	for i := range st.answer.Items {
		if it := &st.answer.Items[i]; it.Reason == eval.Failed && it.Failure != nil {
			s.deps.Metrics.FlagErrors.With(it.Failure.Code).Inc()
		}
	}
}
