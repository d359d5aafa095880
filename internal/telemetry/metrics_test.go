package telemetry_test

import (
	"bytes"
	"errors"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/guidon-flags/guidon/internal/telemetry"
)

func TestHandlerShowsMetrics(t *testing.T) {
	m := telemetry.NewMetrics()
	m.Requests("2xx", "v2", "posthog-js").Inc()
	m.Requests("2xx", "v2", "posthog-js").Inc()
	m.Faults.With("database_unavailable").Inc()
	m.Duration(telemetry.RouteFlags).Observe(0.3)
	m.Loaded(time.Millisecond, errors.New("x"))
	m.LookedUp(2*time.Millisecond, nil)
	m.Overrode(3, nil)
	m.Read([]telemetry.Reading{{Name: "guidon_test", Help: "A gauge."}, {Name: "guidon_test_total", Help: "A counter.", Total: true}},
		func() []float64 { return []float64{42, 7} })

	rec := httptest.NewRecorder()
	m.Handler().ServeHTTP(rec, httptest.NewRequest(http.MethodGet, "/metrics", nil))
	body, err := io.ReadAll(rec.Body)
	if err != nil {
		t.Fatal(err)
	}
	for _, want := range []string{
		`flags_requests_total{library="posthog-js",status="2xx",version="v2"} 2`,
		`flags_request_faults_total{code="database_unavailable"} 1`,
		`flags_requests_duration_ms_bucket{route="flags",le="0.5"} 1`,
		`guidon_definitions_load_errors_total 1`,
		`flags_db_person_and_group_properties_reads_total 1`,
		`flags_flag_hash_key_writes_total 3`,
		"# TYPE guidon_test gauge\nguidon_test 42",
		"# TYPE guidon_test_total counter\nguidon_test_total 7",
		`go_goroutines`,
	} {
		if !strings.Contains(string(body), want) {
			t.Errorf("/metrics lacks %s", want)
		}
	}
}

func TestMetricsOfTwoNodesAreApart(t *testing.T) {
	a, b := telemetry.NewMetrics(), telemetry.NewMetrics()
	a.Panics.Inc()
	rec := httptest.NewRecorder()
	b.Handler().ServeHTTP(rec, httptest.NewRequest(http.MethodGet, "/metrics", nil))
	if !strings.Contains(rec.Body.String(), "guidon_panics_total 0") {
		t.Error("a panic of one node shows on another")
	}
}

func TestFoundCountersDoNotAllocate(t *testing.T) {
	m := telemetry.NewMetrics()
	m.Requests("2xx", "v2", "other").Inc()
	if n := testing.AllocsPerRun(100, func() { m.Requests("2xx", "v2", "other").Inc() }); n != 0 {
		t.Errorf("counting a request allocates %v times", n)
	}
}

func TestNewLogger(t *testing.T) {
	for format, want := range map[string]string{"json": `"msg":"hello"`, "text": "msg=hello"} {
		var out bytes.Buffer
		l := telemetry.NewLogger(&out, format, slog.LevelInfo)
		l.Debug("not this")
		l.Info("hello")
		if got := out.String(); !strings.Contains(got, want) || strings.Contains(got, "not this") {
			t.Errorf("%s: %q, want %q in it and no debug line", format, got, want)
		}
	}
}
