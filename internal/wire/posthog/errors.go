package posthog

import "github.com/guidon-flags/guidon/internal/feature"

// Kind is a situation in which a request on a PostHog route is refused
// (docs/http.md, section 9).
type Kind uint8

// The situations. Unknown is not no: the 401 kinds are for what is certain.
const (
	InternalError     Kind = iota // a defect
	BadQuery                      // the query cannot be read
	BadBody                       // content type, compression, JSON or a field
	BodyRead                      // the connection broke while the body was read
	NoDistinctID                  // distinct_id is missing
	NoToken                       // the token is missing or empty
	UnknownToken                  // there certainly is no such token
	NoCredential                  // a key is needed and none was sent
	UnknownCredential             // there certainly is no such key, or it is of another project
	NoPermission                  // the key lacks the scope
	NoProject                     // a personal key does not say which project
	QuotaExceeded                 // definitions only
	BadMethod                     // see the Allow header
	TooLarge                      // the body, as received or after decompression
	RateLimited                   // see the Retry-After header
	BadDefinitions                // the project's definitions cannot be read
	Unavailable                   // a database cannot be reached, or nothing is loaded yet
	Timeout                       // the request took too long
	Overloaded                    // shed; see the Retry-After header
	BadToken                      // the token in a path has characters or a length that no token has
	NotFound                      // there certainly is no such thing
	ForeignCredential             // the key is of another project, where the reference says 403
	DecryptFailed                 // an encrypted payload cannot be read
)

// kindInfo is what is said about a Kind.
type kindInfo struct {
	status   int
	typ      string
	code     string
	internal string
	detail   string
}

// kinds is the one table from situation to answer. Every row answers with the
// envelope, also those for which upstream sends plain text. Failures of our own
// are 500 or 503, never 502 or 504, which clients repeat at once.
var kinds = [...]kindInfo{
	InternalError:     {500, "server_error", "internal_error", "internal_error", "An internal error occurred."},
	BadQuery:          {400, "validation_error", "invalid_query", "request_parsing_error", "The query string could not be read."},
	BadBody:           {400, "validation_error", "request_decoding_error", "request_decoding_error", "The request body could not be read."},
	BodyRead:          {400, "validation_error", "request_decoding_error", "body_read_error", "The request body did not arrive completely."},
	NoDistinctID:      {400, "validation_error", "missing_distinct_id", "missing_distinct_id", "The field distinct_id is required."},
	NoToken:           {401, "authentication_error", "not_authenticated", "missing_token", "No project token was given."},
	UnknownToken:      {401, "authentication_error", "authentication_failed", "invalid_token", "Unknown or revoked project token."},
	NoCredential:      {401, "authentication_error", "not_authenticated", "missing_credential", "Authentication credentials were not provided."},
	UnknownCredential: {401, "authentication_error", "authentication_failed", "invalid_credential", "The key is unknown, inactive or belongs to another project."},
	NoPermission:      {403, "authentication_error", "permission_denied", "permission_denied", "The key does not have the required scope feature_flag:read."},
	NoProject:         {400, "validation_error", "missing_token", "missing_project", "With a personal key, name the project with the query parameter token."},
	QuotaExceeded:     {402, "quota_limited", "payment_required", "billing_limit", "The flag request quota of this project is used up."},
	BadMethod:         {405, "invalid_request", "method_not_allowed", "method_not_allowed", "This method is not allowed here."},
	TooLarge:          {413, "validation_error", "payload_too_large", "payload_too_large", "The request body is too large."},
	RateLimited:       {429, "validation_error", "rate_limit_exceeded", "rate_limited", "Too many requests. Try again later."},
	BadDefinitions:    {500, "server_error", "flag_data_parsing_error", "flag_data_parsing_error", "The flag definitions of this project cannot be read."},
	Unavailable:       {503, "server_error", "database_unavailable", "database_unavailable", "The service cannot answer at the moment. Try again later."},
	Timeout:           {503, "server_error", "timeout", "timeout", "The request took too long."},
	Overloaded:        {503, "server_error", "overloaded", "overloaded", "The service is overloaded. Try again later."},
	BadToken:          {400, "validation_error", "invalid_token", "malformed_token", "The project token has characters or a length that no token has."},
	NotFound:          {404, "invalid_request", "not_found", "not_found", "There is no such thing here."},
	ForeignCredential: {403, "authentication_error", "permission_denied", "foreign_credential", "The key belongs to another project."},
	DecryptFailed:     {500, "server_error", "remote_config_decrypt_failed", "remote_config_decrypt_failed", "The payload of this remote configuration could not be decrypted."},
}

// Status returns the HTTP status.
func (k Kind) Status() int { return kinds[k].status }

// Code returns the code of the envelope.
func (k Kind) Code() string { return kinds[k].code }

// Internal returns the code for logs and metrics.
func (k Kind) Internal() string { return kinds[k].internal }

// Error is a refusal. It holds no property values and no tokens.
type Error struct {
	Kind   Kind
	Detail string // a sentence for people; empty: the Kind's own
}

func (e *Error) Error() string { return e.Kind.Internal() + ": " + e.detail() }

func (e *Error) detail() string {
	if e.Detail != "" {
		return e.Detail
	}
	return kinds[e.Kind].detail
}

// AppendJSON appends the envelope {"type", "code", "detail", "attr"}; attr is
// always null.
func (e *Error) AppendJSON(b []byte) []byte {
	k := &kinds[e.Kind]
	b = append(b, `{"type":`...)
	b = feature.AppendQuoted(b, k.typ)
	b = append(b, `,"code":`...)
	b = feature.AppendQuoted(b, k.code)
	b = append(b, `,"detail":`...)
	b = feature.AppendQuoted(b, e.detail())
	return append(b, `,"attr":null}`...)
}

func refuse(k Kind, detail string) *Error { return &Error{Kind: k, Detail: detail} }
