package server

import (
	"io"
	"net/http"
	"net/http/httptest"
	"testing"

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
	st := &flagsState{}
	if err := s.readBody(&exchange{ResponseWriter: httptest.NewRecorder()}, r, st); err == nil {
		t.Fatal("no error")
	}
	if cap(st.body) > 2*keepState {
		t.Errorf("%d bytes were allocated for a body that never came", cap(st.body))
	}
}
