package posthog

import (
	"strconv"
	"strings"
	"time"
)

// Limits of captured events (docs/identity.md, sections 2 and 5.3).
const (
	MaxCaptureBatch = 20 << 20 // bytes of a /batch payload, as received and after decompression
	MaxCapture      = 2 << 20  // the same for all other capture paths

	maxCaptureToken = 64  // bytes
	maxEventName    = 200 // characters; longer names are cut
	maxNesting      = 100 // levels of a property document
)

// CaptureError is the refusal of a capture request as its clients know it:
// plain text with a status. It holds no property values and no tokens.
type CaptureError struct {
	Status int
	Text   string
}

func (e *CaptureError) Error() string { return e.Text }

func refuseCapture(status int, text string) *CaptureError {
	return &CaptureError{Status: status, Text: text}
}

// The refusals whose text clients and their tests know.
var (
	// ErrCaptureTooBig: the payload is over the limit, as received or after
	// decompression.
	ErrCaptureTooBig = refuseCapture(413, "maximum event size exceeded")

	errNoPayload      = refuseCapture(400, "request holds no event")
	errNoEventName    = refuseCapture(400, "event submitted with an empty event name")
	errNoDistinctID   = refuseCapture(400, "event submitted without a distinct_id")
	errEventUUID      = refuseCapture(400, "event submitted with an invalid uuid")
	errNoCaptureToken = refuseCapture(401, "event submitted without an api_key")
	errMixedTokens    = refuseCapture(401, "batch submitted with inconsistent api_key values")
)

// captureUndecodable refuses a payload whose transfer form cannot be undone.
func captureUndecodable(reason string) *CaptureError {
	return refuseCapture(400, "failed to decode request: "+reason)
}

// captureUnparsable refuses a payload that is not the JSON that was expected.
func captureUnparsable(reason string) *CaptureError {
	return refuseCapture(400, "failed to parse request: "+reason)
}

// badCaptureToken refuses a token that can be none.
func badCaptureToken(reason string) *CaptureError {
	return refuseCapture(401, "API key is not valid: "+reason)
}

// Capture is a decoded capture request. All events are of one token.
type Capture struct {
	Token string
	// Events in the order in which they were sent. Empty if the request held
	// nothing but $performance_event.
	Events []CapturedEvent
}

// CapturedEvent is one event. Its documents alias the request's payload.
type CapturedEvent struct {
	UUID       string // lower case with hyphens; empty: the client made none
	Name       string // 1 to 200 characters
	DistinctID string // 1 to 200 characters, without U+0000
	Time       time.Time
	Properties []byte // a JSON object; nil: none
	Set        []byte // $set at the top level, any JSON value; nil: none
	SetOnce    []byte // $set_once at the top level, any JSON value; nil: none
	Lifted     []byte // a JSON object: what was said beside the properties, under their names; counts before them; nil: none
}

// CaptureQuery is the query string of a capture request.
type CaptureQuery struct {
	Data        string // the payload, instead of the body
	Compression string // as given
	SentAt      time.Time
	Beacon      bool // a good request is answered with 204 and no body
}

// ParseCaptureQuery reads a raw query string. It never fails: unknown
// parameters and broken escapes are ignored, the first value counts.
func ParseCaptureQuery(raw string) CaptureQuery {
	var q CaptureQuery
	for raw != "" {
		var pair string
		pair, raw, _ = strings.Cut(raw, "&")
		name, value, _ := strings.Cut(pair, "=")
		switch unescape(name, true) {
		case "data":
			if q.Data == "" {
				q.Data = unescape(value, true)
			}
		case "compression":
			if q.Compression == "" {
				q.Compression = unescape(value, true)
			}
		case "_", "sent_at":
			if q.SentAt.IsZero() {
				q.SentAt = millisAfter2020(value)
			}
		case "beacon":
			q.Beacon = value == "1"
		}
	}
	return q
}

// millisAfter2020 reads the time at which a client sent a request. Small
// numbers are counters against caches, not times.
func millisAfter2020(s string) time.Time {
	ms, err := strconv.ParseInt(s, 10, 64)
	if err != nil {
		return time.Time{}
	}
	t := time.UnixMilli(ms).UTC()
	if t.Before(time.Date(2020, 1, 1, 0, 0, 0, 0, time.UTC)) || t.Year() > 9999 {
		return time.Time{}
	}
	return t
}

// CaptureHints is what a capture request says about its payload besides the
// payload itself.
type CaptureHints struct {
	ContentType     string // header
	ContentEncoding string // header
	Engage          bool   // the path is /engage, where an object without event is a $identify
	Limit           int    // bytes of the payload after every decoding
}

// DecodeCapture reads a v0 capture request (docs/identity.md, section 2.1) that
// arrived at now. Events alias body or a copy of it that belongs to them. An
// error is a *CaptureError; one bad event refuses the whole request.
func DecodeCapture(q CaptureQuery, h CaptureHints, body []byte, now time.Time) (Capture, error) {
	payload, err := capturePayload(q, h, body)
	if err != nil {
		return Capture{}, err
	}
	d := captureDecoder{now: now, sentAt: q.SentAt, engage: h.Engage}
	return d.decode(payload)
}
