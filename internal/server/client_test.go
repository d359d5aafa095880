package server

import (
	"net/http"
	"net/http/httptest"
	"net/netip"
	"testing"
	"time"

	"github.com/google/uuid"
)

func TestClientAddr(t *testing.T) {
	const peer = "198.51.100.9"
	proxies := []netip.Prefix{netip.MustParsePrefix("198.51.100.0/24"), netip.MustParsePrefix("10.0.0.0/8")}
	tests := []struct {
		name      string
		forwarded string
		trusted   []netip.Prefix
		remote    string
		want      string
	}{
		{"one", "192.168.1.1", nil, "", "192.168.1.1"},
		{"first of several", "10.0.0.1, 192.168.1.1, 172.16.0.1", nil, "", "10.0.0.1"},
		{"port", "203.0.113.195:8080", nil, "", "203.0.113.195"},
		{"v6", "2001:db8::8a2e:370:7334", nil, "", "2001:db8::8a2e:370:7334"},
		{"v6 with port", "[2001:db8::1]:8080", nil, "", "2001:db8::1"},
		{"link local", "fe80::1", nil, "", "fe80::1"},
		{"loopback", "::1", nil, "", "::1"},
		{"mapped v4", "::ffff:192.0.2.1", nil, "", "192.0.2.1"},
		{"absent", "", nil, "", peer},
		{"no address", "invalid-ip", nil, "", peer},
		{"spaces", "  192.0.2.7 ,x", nil, "", "192.0.2.7"},
		{"behind one proxy", "192.0.2.1", proxies, "", "192.0.2.1"},
		{"forged entry before", "1.1.1.1, 192.0.2.1", proxies, "", "192.0.2.1"},
		{"behind two proxies", "1.1.1.1, 192.0.2.1, 10.1.2.3", proxies, "", "192.0.2.1"},
		{"only proxies", "10.1.1.1, 10.2.2.2", proxies, "", "10.1.1.1"},
		{"not from a proxy", "192.0.2.1", proxies, "203.0.113.1:1", "203.0.113.1"},
		{"rubbish from a proxy", "x", proxies, "", peer},
	}
	for _, test := range tests {
		s := &Server{opts: Options{TrustedProxies: test.trusted}}
		r := httptest.NewRequest(http.MethodGet, "/", nil)
		r.RemoteAddr = peer + ":1234"
		if test.remote != "" {
			r.RemoteAddr = test.remote
		}
		if test.forwarded != "" {
			r.Header.Set("X-Forwarded-For", test.forwarded)
		}
		if got := s.clientAddr(r).String(); got != test.want {
			t.Errorf("%s: %s, want %s", test.name, got, test.want)
		}
	}
}

func TestRequestStart(t *testing.T) {
	tests := []struct {
		header string
		want   int64
		ok     bool
	}{
		{"t=1774859827.782", 1774859827782, true},
		{"1774859827.782", 1774859827782, true},
		{"t=1774859827.7821", 1774859827782, true},
		{"t=1774859827.7", 1774859827700, true},
		{"t=1774859827", 1774859827000, true},
		{"", 0, false},
		{"t=", 0, false},
		{"t=abc", 0, false},
		{"t=-1.0", 0, false},
		{"NaN", 0, false},
		{" t=1774859827", 0, false},
		{"t=1774859827.", 0, false},
		{"t=1,t=2", 0, false},
		{"t=99999999999999999999", 0, false},
	}
	for _, test := range tests {
		if got, ok := requestStart(test.header); ok != test.ok || ok && got != test.want {
			t.Errorf("%q: %d, %v; want %d, %v", test.header, got, ok, test.want, test.ok)
		}
	}
	now := time.UnixMilli(1774859828000)
	if ms, ok := queueTime("t=1774859827.782", now); !ok || ms != 218 {
		t.Errorf("queueTime = %v, %v; want 218", ms, ok)
	}
	if _, ok := queueTime("t=1774859829", now); ok {
		t.Error("a time in the future counts")
	}
}

func TestRequestID(t *testing.T) {
	const id = "0d4a3f56-7c4c-4e6e-9b0a-0123456789ab"
	if got := requestID(http.Header{"X-Request-Id": {id}}); got != id {
		t.Errorf("a UUID becomes %s", got)
	}
	seen := map[string]bool{}
	for _, h := range []http.Header{{}, {"X-Request-Id": {"not-a-uuid"}}, {"X-Request-Id": {""}}} {
		for range 100 {
			got := requestID(h)
			parsed, err := uuid.Parse(got)
			if err != nil || parsed.Version() != 4 || parsed.Variant() != uuid.RFC4122 || seen[got] {
				t.Fatalf("%q is no new random UUID", got)
			}
			seen[got] = true
		}
	}
}
