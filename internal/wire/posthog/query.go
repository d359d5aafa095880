package posthog

import (
	"strconv"
	"strings"
)

// Compression is what the query parameter of that name says about a body.
type Compression uint8

// The compressions.
const (
	CompressionUnstated Compression = iota
	CompressionGzip                 // gzip or gzip-js
	CompressionBase64
	CompressionUnsupported // anything else: the body is refused
)

// FlagsQuery is the query string of a flags request (docs/http.md, section 3).
type FlagsQuery struct {
	Compression   Compression
	LibVersion    string // ver; for logs
	SurveysOnly   bool   // only_evaluate_survey_feature_flags
	Detailed      bool   // detailed_analysis: conditions in the answer, and nothing is written
	OverridesOnly bool   // only_use_override_person_properties; nothing is written

	version    int
	hasVersion bool
	config     bool
	hasConfig  bool
}

// ParseFlagsQuery reads a raw query string. It never fails: unknown parameters
// and broken escapes are ignored, of a repeated parameter the first value that
// is not empty counts.
func ParseFlagsQuery(raw string) FlagsQuery {
	var q FlagsQuery
	var alias string // the value of version, which v outranks
	for raw != "" {
		var pair string
		pair, raw, _ = strings.Cut(raw, "&")
		name, value, _ := strings.Cut(pair, "=")
		name, value = unescape(name, true), unescape(value, true)
		switch name {
		case "v":
			if value != "" && !q.hasVersion {
				q.version, q.hasVersion = parseVersion(value), true
			}
		case "version":
			if alias == "" {
				alias = value
			}
		case "config":
			if !q.hasConfig {
				q.config, q.hasConfig = parseBool(value), true
			}
		case "compression":
			if value != "" && q.Compression == CompressionUnstated {
				q.Compression = parseCompression(value)
			}
		case "ver", "lib_version":
			if q.LibVersion == "" {
				q.LibVersion = value
			}
		case "only_evaluate_survey_feature_flags":
			q.SurveysOnly = parseBool(value)
		case "detailed_analysis":
			q.Detailed = parseBool(value)
		case "only_use_override_person_properties":
			q.OverridesOnly = parseBool(value)
		}
	}
	if !q.hasVersion && alias != "" {
		q.version, q.hasVersion = parseVersion(alias), true
	}
	return q
}

// ReadOnly reports whether the request must not leave anything behind.
func (q FlagsQuery) ReadOnly() bool { return q.Detailed || q.OverridesOnly }

// Format returns the shape of the answer (8.1). decide says that the request
// came in on /decide, by its path or by the header X-Original-Endpoint.
func (q FlagsQuery) Format(decide bool) Format {
	switch {
	case decide && q.version <= 1: // absent, too
		return DecideV1
	case decide && q.version == 2:
		return DecideV2
	case decide && q.version == 3:
		return LegacyV1
	case !q.hasVersion && !q.hasConfig:
		return V2
	case q.version < 2:
		return LegacyV1
	}
	return V2
}

// Config reports whether the answer carries configuration fields. Requests
// that mention neither format nor configuration get them, and so does /decide.
func (q FlagsQuery) Config(decide bool) bool {
	if q.hasConfig {
		return q.config
	}
	return decide || !q.hasVersion
}

// FixedFormat returns the shape that a GET answers with: 2 only where the
// query says so.
func (q FlagsQuery) FixedFormat() Format {
	if q.version >= 2 {
		return V2
	}
	return LegacyV1
}

// parseVersion reads v; what is not a number means 1.
func parseVersion(s string) int {
	n, err := strconv.Atoi(s)
	if err != nil {
		return 1
	}
	return n
}

// parseBool reads a parameter that is there: whatever does not say no means
// yes, also an empty text.
func parseBool(s string) bool {
	b, known := boolWord(s)
	return b || !known
}

// boolWord reads the words for yes and no, in any case.
func boolWord(s string) (value, known bool) {
	switch strings.ToLower(s) {
	case "true", "1", "yes", "on":
		return true, true
	case "false", "0", "no", "off":
		return false, true
	}
	return false, false
}

func parseCompression(s string) Compression {
	switch strings.ToLower(s) {
	case "gzip", "gzip-js":
		return CompressionGzip
	case "base64":
		return CompressionBase64
	}
	return CompressionUnsupported
}

// unescape undoes percent-encoding; plus says whether + stands for a space.
// What is not a valid escape stays as it is.
func unescape(s string, plus bool) string {
	if strings.IndexByte(s, '%') < 0 && (!plus || strings.IndexByte(s, '+') < 0) {
		return s
	}
	return string(appendUnescaped(nil, s, plus))
}

func appendUnescaped[T string | []byte](b []byte, s T, plus bool) []byte {
	for i := 0; i < len(s); i++ {
		switch c := s[i]; {
		case c == '+' && plus:
			b = append(b, ' ')
		case c == '%' && i+2 < len(s) && hexDigit(s[i+1]) >= 0 && hexDigit(s[i+2]) >= 0:
			b = append(b, byte(hexDigit(s[i+1])<<4|hexDigit(s[i+2])))
			i += 2
		default:
			b = append(b, c)
		}
	}
	return b
}

// hexDigit returns the value of a hexadecimal digit, -1 if c is none.
func hexDigit(c byte) int {
	switch {
	case '0' <= c && c <= '9':
		return int(c - '0')
	case 'a' <= c && c <= 'f':
		return int(c-'a') + 10
	case 'A' <= c && c <= 'F':
		return int(c-'A') + 10
	}
	return -1
}
