package ofrep

import (
	"strings"
	"unicode/utf8"

	"github.com/guidon-flags/guidon/internal/eval"
	"github.com/guidon-flags/guidon/internal/feature"
)

// ErrorCode is an error in OpenFeature's vocabulary.
type ErrorCode uint8

// The error codes of the protocol (10.1).
const (
	General             ErrorCode = iota // the flag cannot be evaluated, or the server cannot answer
	ParseError                           // the body is no JSON object
	TargetingKeyMissing                  // the context names no subject
	InvalidContext                       // the context, or what is reserved in it, has the wrong type
	FlagNotFound                         // the project has no such flag, or not for this key
)

var errorCodes = [...]struct {
	text   string
	status int
}{
	General:             {"GENERAL", 400},
	ParseError:          {"PARSE_ERROR", 400},
	TargetingKeyMissing: {"TARGETING_KEY_MISSING", 400},
	InvalidContext:      {"INVALID_CONTEXT", 400},
	FlagNotFound:        {"FLAG_NOT_FOUND", 404},
}

// String is the code as the protocol writes it.
func (c ErrorCode) String() string { return errorCodes[c].text }

// Status is the HTTP status of an answer that is nothing but an error of this
// code. Errors of the server itself are General with a status of their own.
func (c ErrorCode) Status() int { return errorCodes[c].status }

// Error is a refusal. It holds no attributes of the context.
type Error struct {
	Code   ErrorCode
	Detail string // a sentence for people
}

func (e *Error) Error() string { return e.Code.String() + ": " + e.Detail }

// AppendError appends the error about the flag named key:
// {"key", "errorCode", "errorDetails"}. The key may be what a client made up:
// bytes in it that are not UTF-8 are replaced by U+FFFD.
func AppendError(b []byte, key string, code ErrorCode, detail string) []byte {
	b = append(b, `{"key":`...)
	b = feature.AppendQuoted(b, strings.ToValidUTF8(key, string(utf8.RuneError)))
	b = append(b, ',')
	return appendCode(b, code, detail)
}

// AppendBulkError appends an error about a request for all flags:
// {"errorCode", "errorDetails"}.
func AppendBulkError(b []byte, code ErrorCode, detail string) []byte {
	return appendCode(append(b, '{'), code, detail)
}

// appendCode appends the rest of an error. Python's provider fails without
// errorDetails (10.2).
func appendCode(b []byte, code ErrorCode, detail string) []byte {
	b = append(b, `"errorCode":"`...)
	b = append(b, code.String()...)
	b = append(b, `","errorDetails":`...)
	b = feature.AppendQuoted(b, detail)
	return append(b, '}')
}

// Detail is the errorDetails of a flag that failed.
func Detail(f *eval.Failure) string { return f.Code + ": " + f.Description }

// Passing reports whether a flag failed for want of stored data, which may be
// there the next time, rather than by its definition.
func Passing(f *eval.Failure) bool {
	switch f.Code {
	case "timeout:persons_db_deadline", "timeout:client_timeout", "database_unavailable", "database_error",
		"hash_key_override_error", "group_type_lookup_failed":
		return true
	}
	return false
}
