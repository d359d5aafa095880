package posthog

import (
	"errors"
	"fmt"
	"io"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/klauspost/compress/zlib"
	"github.com/klauspost/compress/zstd"
)

const (
	uuidV1  = "0190a5e0-7b1c-7c5e-9a3e-2f6d0c1b4a55"
	otherV1 = "0190a5e0-7b1c-7c5e-9a3e-2f6d0c1b4a56"
)

func headersV1() CaptureV1Headers {
	return CaptureV1Headers{
		Authorization: "Bearer phc_t", ContentType: "application/json", UserAgent: "posthog-go/1", SDKInfo: "posthog-go/1.2.3",
		Attempt: "1", RequestID: uuidV1, RequestTimestamp: captureNow.Format(time.RFC3339),
	}
}

// batchV1 is a body with events, each the members of an object.
func batchV1(events ...string) string {
	return `{"created_at":"2025-01-01T12:00:00Z","batch":[{` + strings.Join(events, "},{") + `}]}`
}

// eventV1 is an event with the given members in place of good ones.
func eventV1(members string) string {
	event := `"uuid":"` + uuidV1 + `","event":"e","distinct_id":"d","timestamp":"2025-01-01T11:00:00Z"`
	if members != "" {
		event += "," + members // the last of repeated members counts
	}
	return event
}

// tagV1 returns the tag and status of a refusal, empty for none.
func tagV1(t *testing.T, err error) string {
	t.Helper()
	var refusal *CaptureV1Error
	if err == nil {
		return ""
	}
	if !errors.As(err, &refusal) {
		t.Fatalf("error %v is no CaptureV1Error", err)
	}
	if refusal.Status() == 0 {
		t.Errorf("tag %s has no status", refusal.Tag)
	}
	return fmt.Sprint(refusal.Status(), " ", refusal.Tag)
}

func TestCaptureV1Headers(t *testing.T) {
	for _, c := range []struct {
		name   string
		change func(h *CaptureV1Headers)
		want   string
	}{
		{"good", func(*CaptureV1Headers) {}, ""},
		{"scheme in capitals, spaces", func(h *CaptureV1Headers) { h.Authorization = "BEARER  phc_t " }, ""},
		{"content type with parameters", func(h *CaptureV1Headers) { h.ContentType = "Application/JSON; charset=utf-8" }, ""},
		{"encodings", func(h *CaptureV1Headers) { h.ContentEncoding = "GZIP" }, ""},
		{"identity", func(h *CaptureV1Headers) { h.ContentEncoding = "identity" }, ""},
		{"odd SDK info", func(h *CaptureV1Headers) { h.SDKInfo = "x" }, ""},
		{"no authorization comes first", func(h *CaptureV1Headers) { *h = CaptureV1Headers{} }, "401 invalid_api_token"},
		{"nothing else", func(h *CaptureV1Headers) { *h = CaptureV1Headers{Authorization: "Bearer phc_t"} }, "400 missing_required_headers"},
		{"no content type", func(h *CaptureV1Headers) { h.ContentType = "" }, "400 missing_required_headers"},
		{"no user agent", func(h *CaptureV1Headers) { h.UserAgent = "" }, "400 missing_required_headers"},
		{"no SDK info", func(h *CaptureV1Headers) { h.SDKInfo = "" }, "400 missing_required_headers"},
		{"no attempt", func(h *CaptureV1Headers) { h.Attempt = "" }, "400 missing_required_headers"},
		{"no request id", func(h *CaptureV1Headers) { h.RequestID = "" }, "400 missing_required_headers"},
		{"no timestamp", func(h *CaptureV1Headers) { h.RequestTimestamp = "" }, "400 missing_required_headers"},
		{"another scheme", func(h *CaptureV1Headers) { h.Authorization = "Basic phc_t" }, "400 invalid_header_value"},
		{"empty token", func(h *CaptureV1Headers) { h.Authorization = "Bearer  " }, "401 invalid_api_token"},
		{"personal key", func(h *CaptureV1Headers) { h.Authorization = "Bearer phx_a" }, "401 invalid_api_token"},
		{"long token", func(h *CaptureV1Headers) { h.Authorization = "Bearer " + strings.Repeat("a", 65) }, "401 invalid_api_token"},
		{"form", func(h *CaptureV1Headers) { h.ContentType = "text/plain" }, "415 unsupported_content_type"},
		{"brotli", func(h *CaptureV1Headers) { h.ContentEncoding = "br" }, "415 unsupported_encoding"},
		{"two encodings", func(h *CaptureV1Headers) { h.ContentEncoding = "gzip, zstd" }, "415 unsupported_encoding"},
		{"request id", func(h *CaptureV1Headers) { h.RequestID = "1" }, "400 invalid_header_value"},
		{"attempt 0", func(h *CaptureV1Headers) { h.Attempt = "0" }, "400 invalid_header_value"},
		{"attempt -1", func(h *CaptureV1Headers) { h.Attempt = "-1" }, "400 invalid_header_value"},
		{"timestamp", func(h *CaptureV1Headers) { h.RequestTimestamp = "1735732800" }, "400 invalid_header_value"},
	} {
		h := headersV1()
		c.change(&h)
		_, err := ParseCaptureV1Headers(h)
		if got := tagV1(t, err); got != c.want {
			t.Errorf("%s: %q, want %q", c.name, got, c.want)
		}
	}
}

func TestCaptureV1Refusals(t *testing.T) {
	big := strings.Repeat(" ", MaxCapture)
	for _, c := range []struct{ name, encoding, body, want string }{
		{"empty", "", "", "400 empty_body"},
		{"nothing within", "gzip", string(gzipped(t, "")), "400 empty_body"},
		{"no JSON", "", `{`, "400 request_parsing_error"},
		{"a list", "", `[]`, "400 request_parsing_error"},
		{"no batch", "", `{"created_at":"2025-01-01T12:00:00Z"}`, "400 request_parsing_error"},
		{"batch of another type", "", `{"created_at":"2025-01-01T12:00:00Z","batch":{}}`, "400 request_parsing_error"},
		{"event of another type", "", `{"created_at":"2025-01-01T12:00:00Z","batch":[1]}`, "400 request_parsing_error"},
		{"no created_at", "", `{"batch":[{` + eventV1("") + `}]}`, "400 invalid_batch"},
		{"created_at", "", `{"created_at":"today","batch":[{` + eventV1("") + `}]}`, "400 invalid_batch"},
		{"empty batch", "", `{"created_at":"2025-01-01T12:00:00Z","batch":[]}`, "400 empty_batch"},
		{"no uuid", "", batchV1(`"event":"e"`), "400 missing_event_uuid"},
		{"white uuid", "", batchV1(eventV1(`"uuid":" "`)), "400 missing_event_uuid"},
		{"uuid of another type", "", batchV1(eventV1(`"uuid":7`)), "400 missing_event_uuid"},
		{"bad uuid", "", batchV1(eventV1(`"uuid":"x"`)), "400 invalid_event_uuid"},
		{"uuid twice", "", batchV1(eventV1(""), eventV1(`"uuid":"`+strings.ToUpper(uuidV1)+`"`)), "400 duplicate_event_uuid"},
		{"gzip that is none", "gzip", batchV1(eventV1("")), "400 request_decoding_error"},
		{"cut gzip", "gzip", string(gzipped(t, batchV1(eventV1("")))[:60]), "400 request_decoding_error"},
		{"gzip unannounced", "", string(gzipped(t, batchV1(eventV1("")))), "400 request_parsing_error"},
		{"bomb", "gzip", string(gzipped(t, big+big)), "413 payload_too_large"},
		{"too large", "", big + " ", "413 payload_too_large"},
	} {
		h := headersV1()
		h.ContentEncoding = c.encoding
		r, err := ParseCaptureV1Headers(h)
		if err != nil {
			t.Fatal(err)
		}
		_, err = DecodeCaptureV1(r, []byte(c.body), MaxCapture, captureNow)
		if got := tagV1(t, err); got != c.want {
			t.Errorf("%s: %q, want %q", c.name, got, c.want)
		}
		if errors.Is(err, ErrCaptureTooBig) != strings.HasPrefix(c.want, "413") {
			t.Errorf("%s: ErrCaptureTooBig for %v", c.name, err)
		}
	}
}

// TestCaptureV1Encodings sends one event in every encoding.
func TestCaptureV1Encodings(t *testing.T) {
	body := batchV1(eventV1(""))
	for encoding, sent := range map[string][]byte{
		"":     []byte(" " + body + "\n"),
		"gzip": gzipped(t, body),
		"deflate": packed(t, func(w io.Writer) io.WriteCloser {
			return zlib.NewWriter(w)
		}, body),
		"zstd": packed(t, func(w io.Writer) io.WriteCloser {
			z, err := zstd.NewWriter(w)
			if err != nil {
				t.Fatal(err)
			}
			return z
		}, body),
	} {
		h := headersV1()
		h.ContentEncoding = encoding
		r, err := ParseCaptureV1Headers(h)
		if err != nil {
			t.Fatal(err)
		}
		if r.Packed() != (encoding != "") {
			t.Errorf("%q: packed %t", encoding, r.Packed())
		}
		c, err := DecodeCaptureV1(r, sent, MaxCapture, captureNow)
		if err != nil || len(c.Events) != 1 || c.Events[0].UUID != uuidV1 {
			t.Errorf("%q: %+v, %v", encoding, c, err)
		}
	}
}

// TestCaptureV1Events has one event each: what is answered, and what is taken.
func TestCaptureV1Events(t *testing.T) {
	long := strings.Repeat("é", 101)
	deep := strings.Repeat(`{"a":`, 101) + "1" + strings.Repeat("}", 101)
	const lib = `{"$lib":"posthog-go"`
	for _, c := range []struct{ name, members, result, event string }{
		{"plain", "", "ok", "e d 11:00 " + lib + `}`},
		{"white space", `"uuid":"\t` + uuidV1 + ` ","distinct_id":" d\n"`, "ok", "e d 11:00 " + lib + `}`},
		{"NUL", `"event":"\u0000","distinct_id":"\u0000"`, "ok", "\uFFFD \uFFFD 11:00 " + lib + `}`},
		{"zone and small letters", `"timestamp":"2025-01-01t12:00:00.5+01:00"`, "ok", "e d 11:00 " + lib + `}`},
		{"a day ahead", `"timestamp":"2025-01-02T12:00:00Z"`, "ok", "e d 12:00 " + lib + `}`},
		{"centuries ahead", `"timestamp":"9999-01-01T00:00:01Z"`, "ok", "e d 12:00 " + lib + `}`},
		{"no options", `"options":null`, "ok", "e d 11:00 " + lib + `}`},
		{"absent options", `"options":{"process_person_profile":null,"other":[],"product_tour_id":"t"}`, "ok", "e d 11:00 " + lib + `}`},
		{"personless", `"options":{"process_person_profile":false}`, "ok", "e d 11:00 " + lib + `,"$process_person_profile":false}`},
		{"texts", `"options":{"process_person_profile":" TRUE ","cookieless_mode":"0"}`, "ok", "e d 11:00 " + lib + `,"$process_person_profile":true,"$cookieless_mode":false}`},
		{"numbers", `"options":{"process_person_profile":-0.0,"cookieless_mode":1e999}`, "ok", "e d 11:00 " + lib + `,"$process_person_profile":false,"$cookieless_mode":true}`},
		{"shared id", `"distinct_id":" Anonymous ","options":{"process_person_profile":true}`, "ok person_processing_disabled", "e Anonymous 11:00 " + lib + `,"$process_person_profile":false}`},
		{"id of a person", `"distinct_id":"anonymous-users"`, "ok", "e anonymous-users 11:00 " + lib + `}`},
		{"performance", `"event":"$performance_event"`, "drop dropped_performance_event", ""},
		{"no name", `"event":""`, "drop missing_event_name", ""},
		{"name of another type", `"event":1`, "drop missing_event_name", ""},
		{"name of 202 bytes", `"event":"` + long + `"`, "drop event_name_too_long", ""},
		{"white id", `"distinct_id":" \t"`, "drop missing_distinct_id", ""},
		{"null id", `"distinct_id":null`, "drop missing_distinct_id", ""},
		{"id of 202 bytes", `"distinct_id":"` + long + `"`, "drop distinct_id_too_large", ""},
		{"no zone", `"timestamp":"2025-01-01T11:00:00"`, "drop invalid_event_timestamp", ""},
		{"null time", `"timestamp":null`, "drop invalid_event_timestamp", ""},
		{"null properties", `"properties":null`, "drop malformed_event_properties", ""},
		{"text as properties", `"properties":"{}"`, "drop malformed_event_properties", ""},
		{"101 levels", `"properties":` + deep, "drop malformed_event_properties", ""},
		{"list as options", `"options":[]`, "drop invalid_options", ""},
		{"option that is no boolean", `"options":{"cookieless_mode":"yes"}`, "drop invalid_options", ""},
		{"object as option", `"options":{"disable_skew_correction":{}}`, "drop invalid_options", ""},
		{"tour of another type", `"options":{"product_tour_id":1.5}`, "drop invalid_options", ""},
		{"2 MiB", `"properties":{"a":"` + strings.Repeat("x", MaxCapture) + `"}`, "drop event_too_big", ""},
	} {
		t.Run(c.name, func(t *testing.T) {
			r, err := ParseCaptureV1Headers(headersV1())
			if err != nil {
				t.Fatal(err)
			}
			got, err := DecodeCaptureV1(r, []byte(batchV1(eventV1(c.members), eventV1(`"uuid":"`+otherV1+`"`))), MaxCaptureBatch, captureNow)
			if err != nil {
				t.Fatal(err)
			}
			if len(got.Results) != 2 || got.Results[1] != (CaptureV1Result{UUID: otherV1}) {
				t.Fatalf("results %+v", got.Results)
			}
			result := got.Results[0]
			if text := strings.TrimSpace(captureOutcomes[result.Outcome] + " " + result.Details); text != c.result || result.UUID != uuidV1 {
				t.Errorf("result %s of %s, want %s", text, result.UUID, c.result)
			}
			var event string
			if len(got.Events) == 2 {
				e := got.Events[0]
				event = fmt.Sprintf("%s %s %s %s", e.Name, e.DistinctID, e.Time.Format("15:04"), e.Lifted)
			}
			if diff := cmp.Diff(c.event, event); diff != "" {
				t.Errorf("event (-want +got):\n%s", diff)
			}
		})
	}
}

// TestCaptureV1Skew: the client's clock is an hour ahead.
func TestCaptureV1Skew(t *testing.T) {
	for _, c := range []struct{ members, want string }{
		{``, "10:00"},
		{`"options":{"disable_skew_correction":true}`, "11:00"},
		{`"options":{"disable_skew_correction":"0"},"properties":{"$ignore_sent_at":true}`, "10:00"},
		{`"properties":{"$ignore_sent_at":true}`, "11:00"},
		{`"properties":{"$ignore_sent_at":"true"}`, "10:00"},
	} {
		h := headersV1()
		h.RequestTimestamp = captureNow.Add(time.Hour).Format(time.RFC3339)
		r, err := ParseCaptureV1Headers(h)
		if err != nil {
			t.Fatal(err)
		}
		got, err := DecodeCaptureV1(r, []byte(batchV1(eventV1(c.members))), MaxCapture, captureNow)
		if err != nil || len(got.Events) != 1 {
			t.Fatalf("%s: %+v, %v", c.members, got, err)
		}
		if at := got.Events[0].Time.Format("15:04"); at != c.want {
			t.Errorf("%s: %s, want %s", c.members, at, c.want)
		}
	}
}

func TestCaptureV1Library(t *testing.T) {
	for info, want := range map[string]string{
		"posthog-go/1.2.3": `{"$lib":"posthog-go"}`, " a/b / 1 ": `{"$lib":"a/b"}`, `"/1`: `{"$lib":"\""}`,
		"posthog-go": "", "/1": "", "a/": "", "a/" + strings.Repeat("1", 300): "",
	} {
		h := headersV1()
		h.SDKInfo = info
		r, err := ParseCaptureV1Headers(h)
		if err != nil {
			t.Fatal(err)
		}
		got, err := DecodeCaptureV1(r, []byte(batchV1(eventV1(""))), MaxCapture, captureNow)
		if err != nil {
			t.Fatal(err)
		}
		if lifted := string(got.Events[0].Lifted); lifted != want {
			t.Errorf("%q: %s, want %s", info, lifted, want)
		}
	}
}

func TestCaptureV1Answer(t *testing.T) {
	c := CaptureV1{
		Events: []CapturedEvent{{Name: "a"}, {Name: "b"}, {Name: "c"}},
		Results: []CaptureV1Result{
			{UUID: "A"},
			{UUID: "x", Outcome: CaptureDrop, Details: detailBadTime},
			{UUID: "b", Details: detailPersonless},
			{UUID: "c"},
		},
	}
	c.Retry(1)
	const want = `{"results":{"A":{"result":"ok"},"x":{"result":"drop","details":"invalid_event_timestamp"},` +
		`"b":{"result":"retry","details":"not_persisted"},"c":{"result":"retry","details":"not_persisted"}}}`
	if got := string(c.AppendJSON(nil)); got != want || len(c.Events) != 1 || c.Dropped() != 1 {
		t.Errorf("%s with %d events and %d dropped, want %s", got, len(c.Events), c.Dropped(), want)
	}
	c.Discard()
	if got := string(c.AppendJSON(nil)); got != `{"results":{"A":{"result":"ok"},"x":{"result":"ok"},"b":{"result":"ok"},"c":{"result":"ok"}}}` || c.Events != nil {
		t.Errorf("discarded: %s", got)
	}
	const refusal = `{"error":"invalid_batch","error_description":"a \"b\"","error_uri":"https://posthog.com/docs/api/capture"}`
	if got := string(refuseCaptureV1(TagBadBatch, `a "b"`).AppendJSON(nil)); got != refusal {
		t.Errorf("refusal %s, want %s", got, refusal)
	}
}

func FuzzCaptureV1Decode(f *testing.F) {
	f.Add("", "posthog-go/1", "2025-01-01T12:00:00Z", []byte(batchV1(eventV1(`"options":{"process_person_profile":"0"},"properties":{"$set":{"a":NaN}}`))))
	f.Add("gzip", "", "", []byte("\x1f\x8b\x08\x00"))
	f.Add("zstd", "a/b", "0001-01-01T00:00:00Z", []byte(batchV1(eventV1(`"timestamp":"9999-12-31T23:59:59.999999999-23:59"`))))
	f.Add("deflate", "\"/1", "9999-12-31t00:00:00z", []byte(batchV1(eventV1(`"uuid":"{0190A5E07B1C7C5E9A3E2F6D0C1B4A55"`), eventV1(""))))
	const limit = 1 << 16
	f.Fuzz(func(t *testing.T, encoding, info, sentAt string, body []byte) {
		h := headersV1()
		h.ContentEncoding, h.SDKInfo, h.RequestTimestamp = encoding, info, sentAt
		r, err := ParseCaptureV1Headers(h)
		if tagV1(t, err) != "" {
			return
		}
		got, err := DecodeCaptureV1(r, body, limit, captureNow)
		if tagV1(t, err) != "" {
			return
		}
		ok := 0
		for _, result := range got.Results {
			if result.Outcome == CaptureOK {
				ok++
			} else if result.Details == "" {
				t.Errorf("%s is dropped without a reason", result.UUID)
			}
		}
		if ok != len(got.Events) || len(got.Results) == 0 {
			t.Errorf("%d events, %d of %d results ok", len(got.Events), ok, len(got.Results))
		}
		for _, e := range got.Events {
			if e.Name == "" || e.DistinctID == "" || len([]rune(e.DistinctID)) > maxDistinctID || len(e.UUID) != 36 || e.Time.IsZero() {
				t.Errorf("event %+v", e)
			}
			for _, document := range [][]byte{e.Properties, e.Lifted} {
				if document != nil && (document[0] != '{' || !isJSON(document)) {
					t.Errorf("%q is no object", document)
				}
			}
		}
		if answer := got.AppendJSON(nil); !isJSON(answer) {
			t.Errorf("answer %q is not JSON", answer)
		}
	})
}
