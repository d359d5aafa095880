package posthog

import (
	"github.com/guidon-flags/guidon/internal/feature"
)

// Limits of a flags body (4.1). The server enforces MaxBody while it reads.
const (
	MaxBody         = 2 << 20 // bytes as received
	MaxUncompressed = 4 << 20 // bytes after decompression
)

// BodyHints is what a request says about its body, besides the body itself.
type BodyHints struct {
	ContentType     string // header; empty: application/json
	ContentEncoding string // header
	Compression     Compression
}

// Warnings is a set of things that were odd about a request and did not keep
// it from being answered.
type Warnings uint16

// The warnings.
const (
	WarnFlag       Warnings = 1 << iota // disable_flags or geoip_disable is neither boolean nor like one
	WarnToken                           // the token is not a string
	WarnID                              // $anon_distinct_id or $device_id is neither text nor number
	WarnGroups                          // groups is no object, or a key in it neither text nor number
	WarnProperties                      // person_properties or group_properties is no object
	WarnKeys                            // flag_keys is no list of strings
	WarnContexts                        // evaluation_contexts is no list of strings
	WarnRuntime                         // evaluation_runtime is not a string
	WarnNonFinite                       // NaN or Infinity was read as null
	WarnUTF8                            // bytes that are no UTF-8 were replaced
	WarnNUL                             // U+0000 was removed from an id
)

// Each calls fn with the name of every warning in w, for counting.
func (w Warnings) Each(fn func(name string)) {
	for i, name := range warningNames {
		if w&(1<<i) != 0 {
			fn(name)
		}
	}
}

var warningNames = [...]string{
	"flag", "token", "id", "groups", "properties", "keys", "contexts", "runtime", "non_finite", "utf8", "nul",
}

// FlagsRequest is the body of a flags request (section 5). The zero value is
// ready for Decode; a decoded one can be decoded into again, which keeps its
// memory. It is for one goroutine.
//
// Strings and slices of strings in it are the caller's to keep, but for Keys
// and Contexts, which are valid until the next Decode.
type FlagsRequest struct {
	Token         string // empty: missing
	DistinctID    string // cut to 200 characters
	HasDistinctID bool   // false: missing or null, see NoDistinctID
	AnonID        string // $anon_distinct_id
	DeviceID      string // $device_id, else that of person_properties
	Keys          []string
	AllKeys       bool     // no flag_keys were given; otherwise only Keys are wanted, even if empty
	Contexts      []string // evaluation_contexts
	Runtimes      feature.RuntimeSet
	HasRuntime    bool // evaluation_runtime was given: Runtimes is not for guessing
	GeoIPDisable  bool
	DisableFlags  bool
	Warnings      Warnings

	fields fields
}
