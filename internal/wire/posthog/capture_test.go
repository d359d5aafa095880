package posthog

import (
	"bytes"
	"encoding/base64"
	"errors"
	"fmt"
	"io"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/klauspost/compress/flate"
	"github.com/klauspost/compress/gzip"
	"github.com/klauspost/compress/zlib"
	"github.com/klauspost/compress/zstd"
)

var captureNow = time.Date(2025, 1, 1, 12, 0, 0, 0, time.UTC)

const plainEvent = `{"event":"e","distinct_id":"d","token":"phc_t","properties":{"a":"~?>"}}`

func packed(t *testing.T, open func(io.Writer) io.WriteCloser, text string) []byte {
	t.Helper()
	var b bytes.Buffer
	w := open(&b)
	if _, err := io.WriteString(w, text); err != nil {
		t.Fatal(err)
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	return b.Bytes()
}

func gzipped(t *testing.T, text string) []byte {
	return packed(t, func(w io.Writer) io.WriteCloser { return gzip.NewWriter(w) }, text)
}

// TestCaptureTransferForms sends one event in every form and expects it to
// arrive.
func TestCaptureTransferForms(t *testing.T) {
	const form = "application/x-www-form-urlencoded"
	zlibbed := packed(t, func(w io.Writer) io.WriteCloser { return zlib.NewWriter(w) }, plainEvent)
	deflated := packed(t, func(w io.Writer) io.WriteCloser {
		fw, err := flate.NewWriter(w, 6)
		if err != nil {
			t.Fatal(err)
		}
		return fw
	}, plainEvent)
	zstded := packed(t, func(w io.Writer) io.WriteCloser {
		zw, err := zstd.NewWriter(w)
		if err != nil {
			t.Fatal(err)
		}
		return zw
	}, plainEvent)
	b64 := base64.StdEncoding.EncodeToString([]byte(plainEvent))
	if !strings.Contains(b64, "+") {
		t.Fatal("the base64 of the event has no plus sign")
	}
	lz := compressLZString(plainEvent)
	for _, c := range []struct {
		name, query, contentType, encoding string
		body                               []byte
	}{
		{"JSON", "", "application/json", "", []byte(plainEvent)},
		{"JSON without a type", "", "", "", []byte(" \n" + plainEvent + "\n")},
		{"query", "data=" + url.QueryEscape(plainEvent), "", "", nil},
		{"query base64", "data=" + url.QueryEscape(b64), "", "", nil},
		{"query base64 with bare plus", "data=" + b64, "", "", nil},
		{"query before body", "data=" + b64, "", "", []byte("{")},
		{"body base64", "", "text/plain", "", []byte(b64)},
		{"body base64 hinted", "compression=base64", "text/plain", "", []byte(strings.TrimRight(b64, "="))},
		{"base64 hint on JSON", "compression=base64", "", "", []byte(plainEvent)},
		{"unknown hint", "compression=snappy", "", "", []byte(plainEvent)},
		{"gzip without a hint", "", "", "", gzipped(t, plainEvent)},
		{"gzip by query", "compression=gzip-js", "text/plain", "", gzipped(t, plainEvent)},
		{"gzip by header", "", "", "GZIP", gzipped(t, plainEvent)},
		{"gzip by both, packed once", "compression=gzip-js", "", "gzip", gzipped(t, plainEvent)},
		{"gzip by both, packed twice", "compression=gzip-js", "", "gzip", gzipped(t, string(gzipped(t, plainEvent)))},
		{"gzip of base64", "compression=gzip", "", "", gzipped(t, b64)},
		{"base64 of gzip", "", "", "", []byte(base64.StdEncoding.EncodeToString(gzipped(t, plainEvent)))},
		{"deflate with zlib header", "", "", "deflate", zlibbed},
		{"bare deflate", "", "", "deflate", deflated},
		{"zstd", "", "", "zstd", zstded},
		{"lz64 body", "compression=lz64", "", "", []byte(lz)},
		{"lz64 by header", "", "", "lz-string", []byte(lz)},
		{"lz64 query", "compression=LZ64&data=" + url.QueryEscape(lz), "", "", nil},
		{"lz64 form", "", form, "", []byte("compression=lz64&data=" + url.QueryEscape(lz))},
		{"form JSON", "", form + "; charset=utf-8", "", []byte("ver=1&_=1&data=" + url.QueryEscape(plainEvent))},
		{"form base64", "", form, "", []byte("data=" + url.QueryEscape(b64) + "&compression=base64")},
		{"form base64 without hint", "", form, "", []byte("data=" + url.QueryEscape(b64))},
		{"form base64 unescaped", "", form, "", []byte("data=" + b64)},
		{"form in base64", "", form, "", pad64("data=" + url.QueryEscape(plainEvent))},
		{"form in gzip", "", form, "gzip", gzipped(t, "data="+url.QueryEscape(b64))},
		{"NaN", "", "", "", []byte(strings.Replace(plainEvent, `"a"`, `"n":NaN,"a"`, 1))},
	} {
		t.Run(c.name, func(t *testing.T) {
			got, err := DecodeCapture(ParseCaptureQuery(c.query),
				CaptureHints{ContentType: c.contentType, ContentEncoding: c.encoding, Limit: MaxCapture}, c.body, captureNow)
			if err != nil {
				t.Fatal(err)
			}
			if got.Token != "phc_t" || len(got.Events) != 1 || got.Events[0].Name != "e" ||
				!bytes.Contains(got.Events[0].Properties, []byte(`"a":"~?>"`)) {
				t.Errorf("decoded %+v", got)
			}
		})
	}
}

// pad64 returns the base64 of text.
func pad64(text string) []byte { return []byte(base64.StdEncoding.EncodeToString([]byte(text))) }

func TestCaptureRefuses(t *testing.T) {
	batch := func(event string) string { return `{"api_key":"phc_t","batch":[` + event + `]}` }
	deep := func(levels int) string { // of the properties themselves
		return batch(`{"event":"e","distinct_id":"d","properties":` +
			strings.Repeat(`{"a":`, levels-1) + `{}` + strings.Repeat(`}`, levels-1) + `}`)
	}
	for _, c := range []struct {
		name, query, contentType, encoding, body string
		status                                   int
		text                                     string
	}{
		{name: "nothing", status: 400, text: "request holds no event"},
		{name: "empty array", body: `[]`, status: 400, text: "request holds no event"},
		{name: "empty batch", body: batch(``), status: 400, text: "request holds no event"},
		{name: "broken JSON", body: `{"event":`, status: 400, text: "failed to parse request: not valid JSON"},
		{name: "two values", body: plainEvent + plainEvent, status: 400, text: "failed to parse request: not valid JSON"},
		{name: "a number", body: `5`, status: 400, text: "failed to parse request: neither an array nor an object"},
		{name: "batch no array", body: `{"api_key":"a","batch":{}}`, status: 400, text: "failed to parse request: batch is not an array"},
		{name: "event no object", body: `[1]`, status: 400, text: "failed to parse request: an event is not an object"},
		{name: "properties no object", body: batch(`{"event":"e","distinct_id":"d","properties":[]}`), status: 400, text: "failed to parse request: properties is not an object"},
		{name: "no name", body: batch(`{"distinct_id":"d"}`), status: 400, text: "failed to parse request: an event has no name"},
		{name: "name no text", body: batch(`{"event":1,"distinct_id":"d"}`), status: 400, text: "failed to parse request: an event has no name"},
		{name: "empty name", body: batch(`{"event":"","distinct_id":"d"}`), status: 400, text: "event submitted with an empty event name"},
		{name: "no distinct id", body: batch(`{"event":"e"}`), status: 400, text: "event submitted without a distinct_id"},
		{name: "null distinct id", body: batch(`{"event":"e","distinct_id":null}`), status: 400, text: "event submitted without a distinct_id"},
		{name: "empty distinct id", body: batch(`{"event":"e","distinct_id":""}`), status: 400, text: "event submitted without a distinct_id"},
		{name: "one of two bad", body: batch(`{"event":"e","distinct_id":"d"},{"event":"e"}`), status: 400, text: "event submitted without a distinct_id"},
		{name: "bad uuid", body: batch(`{"event":"e","distinct_id":"d","uuid":"x"}`), status: 400, text: "event submitted with an invalid uuid"},
		{name: "uuid no text", body: batch(`{"event":"e","distinct_id":"d","uuid":1}`), status: 400, text: "event submitted with an invalid uuid"},
		{name: "no token", body: `{"event":"e","distinct_id":"d"}`, status: 401, text: "event submitted without an api_key"},
		{name: "no token before no id", body: `{"event":"e"}`, status: 401, text: "event submitted without an api_key"},
		{name: "two tokens", body: `[{"event":"e","distinct_id":"d","token":"a"},{"event":"e","distinct_id":"d","api_key":"b"}]`, status: 401, text: "batch submitted with inconsistent api_key values"},
		{name: "empty token", body: `{"api_key":"","batch":[{"event":"e","distinct_id":"d"}]}`, status: 401, text: "API key is not valid: empty"},
		{name: "long token", body: `{"event":"e","token":"` + strings.Repeat("t", 65) + `"}`, status: 401, text: "API key is not valid: too_long"},
		{name: "token not ASCII", body: `{"event":"e","token":"é"}`, status: 401, text: "API key is not valid: not_ascii"},
		{name: "personal key", body: `{"event":"e","token":"phx_a"}`, status: 401, text: "API key is not valid: personal_api_key"},
		{name: "token a number", body: `{"event":"e","token":5}`, status: 401, text: "API key is not valid: not_a_string"},
		{name: "not a form", contentType: "application/x-www-form-urlencoded", body: plainEvent, status: 400, text: "failed to decode request: expected form data with the field data"},
		{name: "not base64", query: "compression=base64", body: "!", status: 400, text: "failed to decode request: not base64"},
		{name: "not lz64", query: "compression=lz64", body: "!", status: 400, text: "failed to decode request: not a text compressed by lz-string"},
		{name: "brotli", encoding: "br", body: "x", status: 400, text: "failed to decode request: content encoding br is not supported"},
		{name: "gzip bomb", body: string(gzipped(t, strings.Repeat("[", 1<<21+1))), status: 413, text: "maximum event size exceeded"},
		{name: "zlib bomb", encoding: "deflate", body: string(packed(t, func(w io.Writer) io.WriteCloser { return zlib.NewWriter(w) }, strings.Repeat("[", 1<<21+1))), status: 413, text: "maximum event size exceeded"},
		{name: "lz bomb", query: "compression=lz64", body: compressLZString(strings.Repeat("[", 1<<21+1)), status: 413, text: "maximum event size exceeded"},
		{name: "101 levels", body: deep(101), status: 400, text: "failed to parse request: properties are nested too deeply"},
		{name: "100 levels", body: deep(100)},
	} {
		t.Run(c.name, func(t *testing.T) {
			_, err := DecodeCapture(ParseCaptureQuery(c.query),
				CaptureHints{ContentType: c.contentType, ContentEncoding: c.encoding, Limit: MaxCapture}, []byte(c.body), captureNow)
			if c.status == 0 {
				if err != nil {
					t.Errorf("refused: %v", err)
				}
				return
			}
			var refusal *CaptureError
			if !errors.As(err, &refusal) {
				t.Fatalf("error = %v, want a CaptureError", err)
			}
			if refusal.Status != c.status || refusal.Text != c.text {
				t.Errorf("refused with %d %q, want %d %q", refusal.Status, refusal.Text, c.status, c.text)
			}
		})
	}
}

func TestCaptureEventFields(t *testing.T) {
	for _, c := range []struct {
		name, query, body string
		engage            bool
		want              string // token, then name, distinct id and uuid of each event
	}{
		{
			name: "batch token before those of events",
			body: `{"api_key":"b","batch":[{"event":"e","distinct_id":"d","token":"x"},{"event":"f","distinct_id":"d","token":"y"}]}`,
			want: "b|e d |f d ",
		},
		{name: "batch without a token", body: `{"batch":[{"event":"e","distinct_id":"d","api_key":"x"}]}`, want: "x|e d "},
		{
			name: "some events without a token",
			body: `[{"event":"e","distinct_id":"d"},{"event":"f","distinct_id":"d","$token":"x"}]`, want: "x|e d |f d ",
		},
		{name: "token in properties", body: `[{"event":"e","properties":{"token":"x","distinct_id":"d"}}]`, want: "x|e d "},
		{name: "api_key in properties", body: `[{"event":"e","properties":{"api_key":"x","distinct_id":"d"}}]`, want: "x|e d "},
		{name: "outer id first", body: `{"token":"x","event":"e","$distinct_id":"o","properties":{"distinct_id":"i"}}`, want: "x|e o "},
		{name: "null outer id", body: `{"token":"x","event":"e","distinct_id":null,"properties":{"distinct_id":"i"}}`, want: "x|e i "},
		{
			name: "ids of other types",
			body: `[{"token":"x","event":"e","distinct_id":23.40},{"event":"e","distinct_id":{"b":[1, 2],"a":null}},{"event":"e","distinct_id":true}]`,
			want: `x|e 23.4 |e {"a":null,"b":[1,2]} |e true `,
		},
		{
			name: "NUL and length", body: `{"token":"x","event":"e","distinct_id":"\u0000` + strings.Repeat("é", 300) + `"}`,
			want: "x|e \uFFFD" + strings.Repeat("é", 199) + " ",
		},
		{name: "broken texts", body: `{"\ud800":1,"token":"x","event":"\ud800","distinct_id":"` + "\xff" + `"}`, want: "x|\uFFFD \uFFFD "},
		{
			name: "long name", body: `{"token":"x","distinct_id":"d","event":"` + strings.Repeat("n", 300) + `"}`,
			want: "x|" + strings.Repeat("n", 200) + " d ",
		},
		{name: "performance events", body: `[{"token":"x","event":"$performance_event"},{"event":"e","distinct_id":"d"}]`, want: "x|e d "},
		{name: "only performance events", body: `[{"token":"x","event":"$performance_event"}]`, want: "x"},
		{name: "engage", engage: true, body: `{"token":"x","$distinct_id":"d","$set":{"a":1}}`, want: "x|$identify d "},
		{name: "engage with a name", engage: true, body: `{"token":"x","event":"e","distinct_id":"d"}`, want: "x|e d "},
		{
			name: "uuid forms",
			body: `[{"token":"x","event":"e","distinct_id":"d","uuid":"0190A5E0-7B1C-7C5E-9A3E-2F6D0C1B4A55"},` +
				`{"event":"e","distinct_id":"d","uuid":"0190a5e07b1c7c5e9a3e2f6d0c1b4a55"},{"event":"e","distinct_id":"d","uuid":""},{"event":"e","distinct_id":"d","uuid":null}]`,
			want: "x|e d 0190a5e0-7b1c-7c5e-9a3e-2f6d0c1b4a55|e d 0190a5e0-7b1c-7c5e-9a3e-2f6d0c1b4a55|e d |e d ",
		},
		{name: "last of repeated members", body: `{"token":"y","token":"x","event":"a","event":"e","distinct_id":"d"}`, want: "x|e d "},
	} {
		t.Run(c.name, func(t *testing.T) {
			got, err := DecodeCapture(ParseCaptureQuery(c.query), CaptureHints{Engage: c.engage, Limit: MaxCapture}, []byte(c.body), captureNow)
			if err != nil {
				t.Fatal(err)
			}
			parts := []string{got.Token}
			for _, e := range got.Events {
				parts = append(parts, e.Name+" "+e.DistinctID+" "+e.UUID)
			}
			if diff := cmp.Diff(c.want, strings.Join(parts, "|")); diff != "" {
				t.Errorf("decoded (-want +got):\n%s", diff)
			}
		})
	}
}

func TestCaptureDocuments(t *testing.T) {
	got, err := DecodeCapture(CaptureQuery{}, CaptureHints{Limit: MaxCapture},
		[]byte(`{"token":"x","event":"e","distinct_id":"d","properties":null,"$set":{"a": 1.50},"$set_once":[]}`), captureNow)
	if err != nil {
		t.Fatal(err)
	}
	e := got.Events[0]
	if e.Properties != nil || string(e.Set) != `{"a": 1.50}` || string(e.SetOnce) != `[]` {
		t.Errorf("documents: properties %s, $set %s, $set_once %s", e.Properties, e.Set, e.SetOnce)
	}
}

func TestCaptureTime(t *testing.T) {
	millis := func(t time.Time) string { return fmt.Sprint(t.UnixMilli()) }
	for _, c := range []struct {
		name, query, sentAt, fields string // fields of the event
		want                        string
	}{
		{name: "none", want: "2025-01-01T12:00:00Z"},
		{name: "as it is", fields: `"timestamp":"2024-05-06T07:08:09.123456789Z"`, want: "2024-05-06T07:08:09.123456Z"},
		{name: "zone", fields: `"timestamp":"2024-05-06T07:08:09+02:00"`, want: "2024-05-06T05:08:09Z"},
		{name: "zone without colon", fields: `"timestamp":"2024-05-06T07:08:09.5+0200"`, want: "2024-05-06T05:08:09.5Z"},
		{name: "Python", fields: `"timestamp":"2024-05-06 07:08:09.123456+00:00"`, want: "2024-05-06T07:08:09.123456Z"},
		{name: "no zone", fields: `"timestamp":"2024-05-06T07:08:09"`, want: "2024-05-06T07:08:09Z"},
		{name: "day", fields: `"timestamp":"2024-05-06"`, want: "2024-05-06T00:00:00Z"},
		{name: "unreadable", fields: `"timestamp":"yesterday"`, want: "2025-01-01T12:00:00Z"},
		{name: "a number", fields: `"timestamp":1714979289000`, want: "2025-01-01T12:00:00Z"},
		{name: "null", fields: `"timestamp":null`, want: "2025-01-01T12:00:00Z"},
		{name: "22 hours ahead", fields: `"timestamp":"2025-01-02T10:00:00Z"`, want: "2025-01-02T10:00:00Z"},
		{name: "centuries ahead", query: "_=1735729200000", fields: `"timestamp":"9999-01-01T00:00:00Z"`, want: "2025-01-01T12:00:00Z"},
		{name: "24 hours ahead", fields: `"timestamp":"2025-01-02T12:00:00Z"`, want: "2025-01-01T12:00:00Z"},
		{name: "sent_at", sentAt: "2025-01-01T11:00:00Z", fields: `"timestamp":"2025-01-01T10:59:00Z"`, want: "2025-01-01T11:59:00Z"},
		{name: "sent_at, no timestamp", sentAt: "2025-01-01T11:00:00Z", want: "2025-01-01T12:00:00Z"},
		{name: "sent_at unreadable", sentAt: "soon", fields: `"timestamp":"2025-01-01T10:59:00Z"`, want: "2025-01-01T10:59:00Z"},
		{name: "ignore_sent_at", sentAt: "2025-01-01T11:00:00Z", fields: `"timestamp":"2025-01-01T10:59:00Z","properties":{"$ignore_sent_at":true}`, want: "2025-01-01T10:59:00Z"},
		{name: "ignore_sent_at false", sentAt: "2025-01-01T11:00:00Z", fields: `"timestamp":"2025-01-01T10:59:00Z","properties":{"$ignore_sent_at":false}`, want: "2025-01-01T11:59:00Z"},
		{name: "query", query: "_=" + millis(captureNow.Add(-time.Hour)), fields: `"timestamp":"2025-01-01T10:59:00Z"`, want: "2025-01-01T11:59:00Z"},
		{name: "query before 2020", query: "_=1500000000000", fields: `"timestamp":"2025-01-01T10:59:00Z"`, want: "2025-01-01T10:59:00Z"},
		{name: "offset", fields: `"offset":1500`, want: "2025-01-01T11:59:58.5Z"},
		{name: "offset beats a timestamp with sent_at", sentAt: "2025-01-01T11:00:00Z", fields: `"offset":1000,"timestamp":"2025-01-01T10:00:00Z"`, want: "2025-01-01T11:59:59Z"},
		{name: "offset does not beat a bare timestamp", fields: `"offset":1000,"timestamp":"2025-01-01T10:00:00Z"`, want: "2025-01-01T10:00:00Z"},
		{name: "offset far ahead", fields: `"offset":-1e8`, want: "2025-01-01T12:00:00Z"},
		{name: "offset absurd", fields: `"offset":1e300`, want: "2025-01-01T12:00:00Z"},
	} {
		t.Run(c.name, func(t *testing.T) {
			event := `{"event":"e","distinct_id":"d"`
			if c.fields != "" {
				event += "," + c.fields
			}
			body := `{"api_key":"x","batch":[` + event + `}]`
			if c.sentAt != "" {
				body += `,"sent_at":"` + c.sentAt + `"`
			}
			got, err := DecodeCapture(ParseCaptureQuery(c.query), CaptureHints{Limit: MaxCapture}, []byte(body+"}"), captureNow)
			if err != nil {
				t.Fatal(err)
			}
			if at := got.Events[0].Time.Format(time.RFC3339Nano); at != c.want {
				t.Errorf("time %s, want %s", at, c.want)
			}
		})
	}
}

func FuzzCaptureDecode(f *testing.F) {
	f.Add("", "application/json", "", []byte(plainEvent))
	f.Add("compression=gzip-js&_=1735732805200", "text/plain", "gzip", []byte("\x1f\x8b\x08\x00"))
	f.Add("compression=lz64", "", "", []byte(compressLZString(plainEvent)))
	f.Add("data="+base64.StdEncoding.EncodeToString([]byte(plainEvent)), "", "deflate", []byte("x\x9c"))
	f.Add("", "application/x-www-form-urlencoded", "zstd", []byte("data=%7B%7D&compression=base64"))
	f.Add("", "", "", []byte(`{"api_key":"a","batch":[{"event":"$set","distinct_id":[1],"uuid":null,"properties":{"token":"a"}}],"sent_at":"2025-01-01"}`))
	const limit = 1 << 16
	f.Fuzz(func(t *testing.T, query, contentType, encoding string, body []byte) {
		got, err := DecodeCapture(ParseCaptureQuery(query),
			CaptureHints{ContentType: contentType, ContentEncoding: encoding, Limit: limit}, body, captureNow)
		var refusal *CaptureError
		if err != nil && !errors.As(err, &refusal) {
			t.Fatalf("error %v is no CaptureError", err)
		}
		for _, e := range got.Events {
			if e.Name == "" || e.DistinctID == "" || len([]rune(e.DistinctID)) > maxDistinctID || e.Time.IsZero() {
				t.Errorf("event %+v", e)
			}
			if e.Properties != nil && !isJSON(e.Properties) {
				t.Errorf("properties are not JSON: %q", e.Properties)
			}
		}
	})
}
