package posthog

import "github.com/guidon-flags/guidon/internal/feature"

// CaptureV1Error is the refusal of a whole capture request of version 1
// (docs/identity.md, section 2.2). It holds no property values and no tokens.
type CaptureV1Error struct {
	Tag string // a key of captureV1Statuses
	// Description is a sentence for people.
	Description string

	cause error
}

func (e *CaptureV1Error) Error() string { return e.Tag + ": " + e.Description }

// Unwrap returns the refusal of version 0 that e stands for, nil if there is
// none.
func (e *CaptureV1Error) Unwrap() error { return e.cause }

// Tags of refusals.
const (
	TagMissingHeaders     = "missing_required_headers"
	TagBadHeader          = "invalid_header_value"
	TagUndecodable        = "request_decoding_error"
	TagUnparsable         = "request_parsing_error"
	TagEmptyBody          = "empty_body"
	TagEmptyBatch         = "empty_batch"
	TagBadBatch           = "invalid_batch"
	TagMissingEventUUID   = "missing_event_uuid"
	TagBadEventUUID       = "invalid_event_uuid"
	TagDuplicateEventUUID = "duplicate_event_uuid"
	TagBadToken           = "invalid_api_token"
	TagBadMethod          = "method_not_allowed"
	TagBodyTimeout        = "body_read_timeout"
	TagTooLarge           = "payload_too_large"
	TagBadContentType     = "unsupported_content_type"
	TagBadEncoding        = "unsupported_encoding"
	TagInternal           = "internal_error"
	TagUnavailable        = "service_unavailable"
)

// captureV1Statuses is the one table from tag to status.
var captureV1Statuses = map[string]int{
	TagMissingHeaders: 400, TagBadHeader: 400, TagUndecodable: 400, TagUnparsable: 400,
	TagEmptyBody: 400, TagEmptyBatch: 400, TagBadBatch: 400,
	TagMissingEventUUID: 400, TagBadEventUUID: 400, TagDuplicateEventUUID: 400,
	TagBadToken:  401,
	TagBadMethod: 405, TagBodyTimeout: 408, TagTooLarge: 413,
	TagBadContentType: 415, TagBadEncoding: 415,
	TagInternal: 500, TagUnavailable: 503,
}

// Status returns the HTTP status of the refusal.
func (e *CaptureV1Error) Status() int { return captureV1Statuses[e.Tag] }

// captureV1Docs is where the protocol is described.
const captureV1Docs = "https://posthog.com/docs/api/capture"

// AppendJSON appends the body of the answer.
func (e *CaptureV1Error) AppendJSON(b []byte) []byte {
	b = append(b, `{"error":`...)
	b = feature.AppendQuoted(b, e.Tag)
	b = append(b, `,"error_description":`...)
	b = feature.AppendQuoted(b, e.Description)
	b = append(b, `,"error_uri":"`+captureV1Docs+`"}`...)
	return b
}

func refuseCaptureV1(tag, description string) *CaptureV1Error {
	return &CaptureV1Error{Tag: tag, Description: description}
}
