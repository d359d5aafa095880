package server_test

import (
	"bytes"
	"fmt"
	"net/http"
	"net/http/httptest"
	"testing"

	"github.com/guidon-flags/guidon/internal/store"
)

// seedMany adds n flags with a condition each, about a property of a few.
func seedMany(n int) func(store.Tx) error {
	return func(tx store.Tx) error {
		for i := range n {
			err := insertFlag(tx, store.Flag{
				Key: fmt.Sprintf("flag-%03d", i), Active: true,
				Filters: fmt.Appendf(nil, `{"groups":[{"properties":[{"key":"plan","type":"person","operator":"exact","value":["plan-%d"]}],`+
					`"rollout_percentage":%d}]}`, i%5, i%101),
			})
			if err != nil {
				return err
			}
		}
		return nil
	}
}

// sink is a ResponseWriter that keeps nothing.
type sink struct {
	header http.Header
	status int
	bytes  int
}

func (s *sink) Header() http.Header { return s.header }
func (s *sink) WriteHeader(c int)   { s.status = c }
func (s *sink) Write(b []byte) (int, error) {
	s.bytes += len(b)
	return len(b), nil
}

// body is a request body that can be read again and again.
type body struct{ bytes.Reader }

func (b *body) Close() error { return nil }

const benchBody = `{"token":"phc_a","distinct_id":"user-4711","person_properties":{"plan":"plan-3","$os":"Mac OS X","$browser":"Chrome","email":"a@example.com"},"groups":{},"$anon_distinct_id":"0192f0c4-2a1f-7b7e-8f0e-1234567890ab"}`

// exchange repeats one request in a handler.
func exchange(b testing.TB, h http.Handler, method, path, text string, headers ...string) (run func(), w *sink) {
	b.Helper()
	r := httptest.NewRequest(method, path, nil)
	r.Header.Set("User-Agent", "posthog-node/5.1.0")
	r.Header.Set("Content-Type", "application/json")
	for i := 0; i < len(headers); i += 2 {
		r.Header.Set(headers[i], headers[i+1])
	}
	w = &sink{header: http.Header{}}
	in := &body{}
	r.Body, r.ContentLength = in, int64(len(text))
	raw := []byte(text)
	return func() {
		in.Reset(raw)
		clear(w.header)
		w.status, w.bytes = 0, 0
		h.ServeHTTP(w, r)
	}, w
}

func benchmark(b *testing.B, want int, h http.Handler, method, path, text string, headers ...string) {
	run, w := exchange(b, h, method, path, text, headers...)
	run()
	b.ReportAllocs()
	b.ResetTimer()
	for range b.N {
		run()
	}
	if w.status != want {
		b.Fatalf("status %d, want %d", w.status, want)
	}
	b.ReportMetric(float64(w.bytes), "answer-bytes")
}

func BenchmarkFlags(b *testing.B) {
	for _, flags := range []int{1, 100, 1000} {
		n := newNode(b, nodeOptions{seed: seedMany(flags)})
		b.Run(fmt.Sprint(flags), func(b *testing.B) {
			benchmark(b, 200, n.handler, "POST", "/flags?v=2", benchBody)
		})
	}
}

func BenchmarkDefinitions(b *testing.B) {
	n := newNode(b, nodeOptions{seed: seedMany(100)})
	key := []string{"Authorization", "Bearer phs_a"}
	tag := n.do("GET", "/flags/definitions", key...).Header().Get("ETag")
	b.Run("200", func(b *testing.B) {
		benchmark(b, 200, n.handler, "GET", "/flags/definitions?token=phc_a", "", key...)
	})
	b.Run("304", func(b *testing.B) {
		benchmark(b, 304, n.handler, "GET", "/flags/definitions?token=phc_a", "", append(key, "If-None-Match", tag)...)
	})
}

// poolsDrop is true where sync.Pool forgets, see race_test.go.
var poolsDrop bool

func skipWherePoolsDrop(t *testing.T) {
	t.Helper()
	if poolsDrop {
		t.Skip("allocations mean nothing under the race detector")
	}
}

// A flags request must not cost more allocations the more flags there are.
func TestFlagsAllocateNothingPerFlag(t *testing.T) {
	skipWherePoolsDrop(t)
	allocations := func(flags int) float64 {
		n := newNode(t, nodeOptions{seed: seedMany(flags)})
		run, _ := exchange(t, n.handler, "POST", "/flags?v=2", benchBody)
		run()
		return testing.AllocsPerRun(200, run)
	}
	few, many := allocations(10), allocations(300)
	if many > few+2 {
		t.Errorf("%v allocations for 300 flags, %v for 10", many, few)
	}
}
