package server

import (
	"bytes"
	"errors"
	"io"
	"net/http"
	"net/http/httptest"
	"testing"

	"github.com/klauspost/compress/gzip"

	"github.com/guidon-flags/guidon/internal/telemetry"
	"github.com/guidon-flags/guidon/internal/wire/posthog"
)

// An answer must find its connection open: what happens before it has to end
// within the time-outs of the connection and of a stop.
func TestTimeoutsLeaveTimeToAnswer(t *testing.T) {
	if readTimeout+captureTimeout >= writeTimeout {
		t.Errorf("reading for %v and storing for %v leaves no time to answer within %v", readTimeout, captureTimeout, writeTimeout)
	}
	if stop := (Options{}).withDefaults().StopTimeout; captureTimeout >= stop {
		t.Errorf("storing for %v does not end within a stop of %v", captureTimeout, stop)
	}
}

// hung is a body of which nothing arrives.
type hung struct{}

func (hung) Read([]byte) (int, error) { return 0, io.ErrUnexpectedEOF }

func TestClaimedLengthIsNotAllocated(t *testing.T) {
	s := &Server{deps: Deps{Metrics: telemetry.NewMetrics()}, opts: Options{}.withDefaults()}
	r := httptest.NewRequest(http.MethodPost, "/flags", hung{})
	r.ContentLength = posthog.MaxBody
	st := &evaluation{}
	if err := s.readBody(&exchange{ResponseWriter: httptest.NewRecorder()}, r, st); err == nil {
		t.Fatal("no error")
	}
	if cap(st.body) > 2*keepState {
		t.Errorf("%d bytes were allocated for a body that never came", cap(st.body))
	}
}

// zipped returns a gzip stream of a JSON object that takes size bytes.
func zipped(t *testing.T, size int) []byte {
	t.Helper()
	var out bytes.Buffer
	z := gzip.NewWriter(&out)
	for _, part := range [][]byte{[]byte(`{"x":"`), bytes.Repeat([]byte("a"), size), []byte(`","token":"phc_a","distinct_id":"u","event":"e"}`)} {
		if _, err := z.Write(part); err != nil {
			t.Fatal(err)
		}
	}
	if err := z.Close(); err != nil {
		t.Fatal(err)
	}
	return out.Bytes()
}

// What inflates far has to wait for memory, and is shed if there is none; what
// is small never waits.
func TestLargeBodiesNeedRoom(t *testing.T) {
	full := newRoom(0, 0)

	t.Run("ofrep", func(t *testing.T) {
		s := &Server{room: full}
		st := &ofrepState{}
		for _, c := range []struct {
			body     []byte
			encoding string
			shed     bool
		}{
			{zipped(t, 1000), "gzip", false},
			{zipped(t, 2*smallBody), "gzip", true},
			{bytes.Repeat([]byte(" "), 2*smallBody), "", true},
		} {
			st.body = c.body
			var e *posthog.Error
			err := s.decodeOFREP(t.Context(), st, c.encoding)
			if shed := errors.As(err, &e) && e.Kind == posthog.Overloaded; shed != c.shed || st.held != 0 {
				t.Errorf("%d bytes, encoding %q: error %v, %d bytes held", len(c.body), c.encoding, err, st.held)
			}
		}
	})
	t.Run("flags", func(t *testing.T) {
		s := &Server{room: full}
		st := &flagsState{evaluation: evaluation{body: zipped(t, 1000)}}
		if err := s.decode(t.Context(), st, posthog.BodyHints{}); err != nil || st.held != 0 {
			t.Errorf("small body: error %v, %d bytes held", err, st.held)
		}
		st.body = zipped(t, 2*smallBody)
		var e *posthog.Error
		if err := s.decode(t.Context(), st, posthog.BodyHints{}); !errors.As(err, &e) || e.Kind != posthog.Overloaded || st.held != 0 {
			t.Errorf("large body without room: error %v, %d bytes held", err, st.held)
		}
		s.room = newRoom(largeFlags, 0)
		if err := s.decode(t.Context(), st, posthog.BodyHints{}); err != nil || st.request.Token != "phc_a" {
			t.Errorf("large body: error %v, token %q", err, st.request.Token)
		}
		s.release(st)
		if !s.room.take(t.Context(), largeFlags) {
			t.Error("the room was not given back")
		}
	})
	t.Run("capture", func(t *testing.T) {
		f := newCaptureFixture()
		f.room = full
		post := func(body []byte) *http.Response {
			return f.serve(httptest.NewRequest(http.MethodPost, "/e/", bytes.NewReader(body)))
		}
		if res := post(zipped(t, 1000)); res.StatusCode != http.StatusOK {
			t.Errorf("small payload: %d", res.StatusCode)
		}
		if res := post(zipped(t, 2*smallBody)); res.StatusCode != http.StatusServiceUnavailable || res.Header.Get("Retry-After") == "" {
			t.Errorf("large payload without room: %d, headers %v", res.StatusCode, res.Header)
		}
		f.room = newRoom(perCapture*posthog.MaxCapture, 0)
		for range 2 {
			if res := post(zipped(t, 2*smallBody)); res.StatusCode != http.StatusOK {
				t.Errorf("large payload: %d", res.StatusCode)
			}
		}
	})
}
