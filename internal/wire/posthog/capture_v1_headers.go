package posthog

import (
	"strconv"
	"strings"
	"time"

	"github.com/guidon-flags/guidon/internal/feature"
)

// CaptureV1Headers are the headers of a capture request of version 1, each
// empty if it is absent.
type CaptureV1Headers struct {
	Authorization    string
	ContentType      string
	ContentEncoding  string // the only one that may be absent
	UserAgent        string
	SDKInfo          string // PostHog-Sdk-Info: <name>/<version>
	Attempt          string // PostHog-Attempt: 1, 2, …
	RequestID        string // PostHog-Request-Id: a UUID
	RequestTimestamp string // PostHog-Request-Timestamp: RFC 3339
}

// CaptureV1Request is what the headers of a request say.
type CaptureV1Request struct {
	Token string // has the form of one

	codec  codec
	sentAt time.Time // by the client's clock
	lib    []byte    // JSON text of the library's name; nil: not told
}

// Packed reports whether the body is compressed.
func (r *CaptureV1Request) Packed() bool { return r.codec != codecNone }

// ParseCaptureV1Headers reads the headers of a request. An error is a
// *CaptureV1Error: who sends is settled before what is missing, and that before
// what is wrong.
func ParseCaptureV1Headers(h CaptureV1Headers) (CaptureV1Request, error) {
	var r CaptureV1Request
	if h.Authorization == "" {
		return r, refuseCaptureV1(TagBadToken, "The header Authorization with a project token is required.")
	}
	if missing := h.missing(); missing != "" {
		return r, refuseCaptureV1(TagMissingHeaders, "Required headers are missing: "+missing+".")
	}
	var ok bool
	if r.Token, ok = bearer(h.Authorization); !ok {
		return r, badHeader("Authorization", "a bearer token")
	}
	if reason := captureTokenFault(r.Token); reason != "" {
		return r, refuseCaptureV1(TagBadToken, "The project token is not valid: "+reason+".")
	}
	if mediaType(h.ContentType) != "application/json" {
		return r, refuseCaptureV1(TagBadContentType, "The body must be application/json.")
	}
	if r.codec, ok = codecNamed(h.ContentEncoding); !ok && h.ContentEncoding != "" && !strings.EqualFold(h.ContentEncoding, "identity") {
		return r, refuseCaptureV1(TagBadEncoding, "The body must be plain or encoded as gzip, deflate or zstd.")
	}
	if canonicalUUID(h.RequestID) == "" {
		return r, badHeader("PostHog-Request-Id", "a UUID")
	}
	if n, err := strconv.ParseUint(h.Attempt, 10, 32); err != nil || n == 0 {
		return r, badHeader("PostHog-Attempt", "a number from 1")
	}
	if r.sentAt, ok = parseRFC3339(h.RequestTimestamp); !ok {
		return r, badHeader("PostHog-Request-Timestamp", "a time of RFC 3339")
	}
	r.lib = sdkLibrary(h.SDKInfo)
	return r, nil
}

// missing names the required headers that are absent.
func (h *CaptureV1Headers) missing() string {
	var names []string
	for _, header := range []struct{ name, value string }{
		{"Content-Type", h.ContentType},
		{"User-Agent", h.UserAgent},
		{"PostHog-Sdk-Info", h.SDKInfo},
		{"PostHog-Attempt", h.Attempt},
		{"PostHog-Request-Id", h.RequestID},
		{"PostHog-Request-Timestamp", h.RequestTimestamp},
	} {
		if header.value == "" {
			names = append(names, header.name)
		}
	}
	return strings.Join(names, ", ")
}

func badHeader(name, want string) *CaptureV1Error {
	return refuseCaptureV1(TagBadHeader, "The header "+name+" must be "+want+".")
}

// bearer returns the token of an Authorization header.
func bearer(header string) (string, bool) {
	scheme, token, ok := strings.Cut(header, " ")
	return strings.TrimSpace(token), ok && strings.EqualFold(scheme, "Bearer")
}

// maxSDKInfo is how long a PostHog-Sdk-Info may be to be believed.
const maxSDKInfo = 256

// sdkLibrary returns the JSON text of the library's name in a PostHog-Sdk-Info,
// nil if the header is in another form.
func sdkLibrary(info string) []byte {
	slash := strings.LastIndexByte(info, '/')
	if slash < 0 || len(info) > maxSDKInfo {
		return nil
	}
	name := strings.TrimSpace(info[:slash])
	if name == "" || strings.TrimSpace(info[slash+1:]) == "" {
		return nil
	}
	return feature.AppendQuoted(nil, name)
}
