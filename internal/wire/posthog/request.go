package posthog

import (
	"bytes"
	"strings"

	"github.com/guidon-flags/guidon/internal/feature"
	"github.com/guidon-flags/guidon/internal/wire/jsonval"
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
	Limit           int // bytes after decompression; 0: MaxUncompressed
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
	WarnKeys                            // flag_keys is no list of strings, or too long
	WarnContexts                        // evaluation_contexts is no list of strings, or too long
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
	AnonID        string // $anon_distinct_id, cut like DistinctID: a captured one is, and it may be stored
	DeviceID      string // $device_id, else that of person_properties
	Keys          []string
	AllKeys       bool     // no flag_keys were given; otherwise only Keys are wanted, even if empty
	Contexts      []string // evaluation_contexts
	Runtimes      feature.RuntimeSet
	HasRuntime    bool // evaluation_runtime was given: Runtimes is not for guessing
	GeoIPDisable  bool
	DisableFlags  bool
	Warnings      Warnings

	fields   fields
	token    string          // the last one: most requests have the one before
	limit    int             // of unpacked
	unpacked []byte          // a decompressed body
	spare    []byte          // a mended one
	arena    strings.Builder // the texts of property values
}

// Reset forgets the request. Large buffers are given up.
func (r *FlagsRequest) Reset() {
	r.fields.release()
	r.arena.Reset()
	if cap(r.unpacked) > maxKept {
		r.unpacked = nil
	}
	if cap(r.spare) > maxKept {
		r.spare = nil
	}
	if cap(r.Keys)+cap(r.Contexts) > maxKept/16 {
		r.Keys, r.Contexts = nil, nil
	}
	r.Token, r.DistinctID, r.HasDistinctID, r.AnonID, r.DeviceID = "", "", false, "", ""
	r.Keys, r.AllKeys, r.Contexts = r.Keys[:0], false, r.Contexts[:0]
	r.Runtimes, r.HasRuntime = 0, false
	r.GeoIPDisable, r.DisableFlags, r.Warnings = false, false, 0
}

// WantedRuntimes says which runtimes' flags the request gets: those that it
// names, else those that the headers speak for (see DetectRuntimes).
func (r *FlagsRequest) WantedRuntimes(userAgent string, browserHeaders bool) feature.RuntimeSet {
	if r.HasRuntime {
		return r.Runtimes
	}
	return DetectRuntimes(userAgent, browserHeaders)
}

// maxDistinctID is how many characters of a distinct id count.
const maxDistinctID = 200

// resolve sets the exported fields from what was walked.
func (r *FlagsRequest) resolve() error {
	token, odd := r.text(false, nameToken, nameAPIKey, nameDollarToken)
	r.warnIf(odd, WarnToken)
	if string(token) != r.token {
		r.token = string(token)
	}
	r.Token = r.token
	if err := r.resolveDistinctID(); err != nil {
		return err
	}
	r.AnonID = cutText(r.id(nameDollarAnonDistinctID, nameAnonDistinctID), maxDistinctID)
	r.DeviceID = r.id(nameDollarDeviceID, nameDeviceID)
	if r.DeviceID == "" {
		r.DeviceID = r.deviceProperty()
	}
	r.GeoIPDisable = r.bool(nameGeoIPDisable, nameDisableGeoIP)
	r.DisableFlags = r.bool(nameDisableFlags)
	r.resolveRuntime()
	var given bool
	r.Keys, given = r.list(r.Keys, WarnKeys, nameFlagKeys, nameFlagKeysToEvaluate)
	r.AllKeys = !given
	r.Contexts, _ = r.list(r.Contexts, WarnContexts, nameEvaluationContexts, nameEvaluationEnvironments)

	r.checkObjects()
	return nil
}

// checkObjects sets the warnings about properties and groups.
func (r *FlagsRequest) checkObjects() {
	f := &r.fields
	odd := func(n name) bool { return f.kind(f.raw[n]) != 'n' }
	r.warnIf(f.oddGroup || odd(namePersonProperties) || odd(nameDollarProperties) ||
		odd(nameGroupProperties) || odd(nameDollarGroupProperties), WarnProperties)
	r.warnIf(odd(nameGroups) || odd(nameDollarGroups), WarnGroups)
	for _, m := range r.groupMembers() {
		switch f.kind(m.value) {
		case 't', 'f', '[', '{':
			r.Warnings |= WarnGroups
		}
	}
}

func (r *FlagsRequest) warnIf(odd bool, w Warnings) {
	if odd {
		r.Warnings |= w
	}
}

// resolveDistinctID sets DistinctID. It is the one field whose wrong type
// refuses the request: answering for somebody else would be worse.
func (r *FlagsRequest) resolveDistinctID() error {
	for _, n := range [...]name{nameDistinctID, nameDollarDistinctID} {
		switch r.fields.kind(r.fields.raw[n]) {
		case 't', 'f', '[', '{':
			return refuse(BadBody, "The field distinct_id must be a string or a number.")
		case 'n':
		default:
			r.HasDistinctID = true
		}
	}
	text, _ := r.text(true, nameDistinctID, nameDollarDistinctID)
	r.DistinctID = cutText(string(text), maxDistinctID)
	return nil
}

// cutText returns the first n characters of s. They do not keep the rest of it
// in memory.
func cutText(s string, n int) string {
	if len(s) <= n {
		return s
	}
	for i := range s {
		if n == 0 {
			return strings.Clone(s[:i])
		}
		n--
	}
	return s
}

// id returns the first text or number among the values of ns that is not
// empty.
func (r *FlagsRequest) id(ns ...name) string {
	text, odd := r.text(true, ns...)
	r.warnIf(odd, WarnID)
	return string(text)
}

// text returns the first value among those of ns that is a text and not empty,
// or a number as its text, valid until the next call. As an id it loses U+0000,
// which databases cannot hold. odd reports a value that is neither, or a number
// where no id is asked for.
func (r *FlagsRequest) text(id bool, ns ...name) (text []byte, odd bool) {
	for _, n := range ns {
		raw := r.fields.raw[n]
		switch k := r.fields.kind(raw); {
		case k == '"':
			text = r.fields.unquoted(raw)
			if id {
				text = r.withoutNUL(text)
			}
		case k == '-' || '0' <= k && k <= '9':
			text = numberID(r.fields.bytes(raw))
			odd = odd || !id
		case k != 'n':
			odd = true
		}
		if len(text) > 0 {
			break
		}
	}
	return text, odd
}

// numberID returns the text of a number as an id: integers as they are written,
// whatever their size, others in the shortest form; numbers that are beyond
// binary64 as they are written.
func numberID(raw []byte) []byte {
	if !bytes.ContainsAny(raw, ".eE") && string(raw) != "-0" {
		return raw
	}
	text := feature.Number(string(raw)).Text()
	if strings.HasSuffix(text, "1.7976931348623157e308") {
		return raw
	}
	return []byte(text)
}

// withoutNUL removes U+0000 from text, in place.
func (r *FlagsRequest) withoutNUL(text []byte) []byte {
	if bytes.IndexByte(text, 0) < 0 {
		return text
	}
	r.Warnings |= WarnNUL
	return bytes.ReplaceAll(text, []byte{0}, nil)
}

// deviceProperty returns the person property $device_id, empty if it is not a
// text.
func (r *FlagsRequest) deviceProperty() string {
	device := ""
	for _, m := range r.personProperties() {
		if m.name.to-m.name.from == uint32(len(`"$device_id"`)) && string(r.fields.unquoted(m.name)) == "$device_id" {
			device = ""
			if r.fields.kind(m.value) == '"' {
				device = string(r.withoutNUL(r.fields.unquoted(m.value)))
			}
		}
	}
	return device
}

// bool returns the first value of ns that is there, and false for what is
// neither a boolean nor like one.
func (r *FlagsRequest) bool(ns ...name) bool {
	for _, n := range ns {
		raw := r.fields.raw[n]
		switch k := r.fields.kind(raw); {
		case k == 't' || k == 'f':
			return k == 't'
		case k == '"':
			b, known := boolWord(string(r.fields.unquoted(raw)))
			r.warnIf(!known, WarnFlag)
			return b
		case k == '-' || '0' <= k && k <= '9':
			return bytes.ContainsAny(r.fields.bytes(raw), "123456789")
		case k != 'n':
			r.Warnings |= WarnFlag
			return false
		}
	}
	return false
}

func (r *FlagsRequest) resolveRuntime() {
	raw := r.fields.raw[nameEvaluationRuntime]
	switch r.fields.kind(raw) {
	case 'n':
		return
	case '"':
	default:
		r.Warnings |= WarnRuntime
		return
	}
	r.HasRuntime = true
	switch strings.ToLower(string(r.fields.unquoted(raw))) {
	case "client":
		r.Runtimes = runtimeClient
	case "server":
		r.Runtimes = runtimeServer
	}
}

// maxList is how many keys or contexts of a request count.
const maxList = 10_000

// list appends to into, which is empty, the texts of the first list among the
// values of ns that has any, and reports whether there was a list at all.
func (r *FlagsRequest) list(into []string, warn Warnings, ns ...name) (texts []string, given bool) {
	for _, n := range ns {
		raw := r.fields.raw[n]
		switch r.fields.kind(raw) {
		case 'n':
			continue
		case '[':
		default:
			r.Warnings |= warn
			continue
		}
		given = true
		_ = jsonval.Elements(r.fields.bytes(raw), func(value []byte) error { // it was read before
			switch k := value[0]; {
			case len(into) >= maxList:
				r.Warnings |= warn
			case k == '"':
				text, _ := jsonval.AppendUnquote(nil, value)
				into = append(into, string(text))
			case k == '-' || '0' <= k && k <= '9':
				into = append(into, string(value))
			default:
				r.Warnings |= warn
			}
			return nil
		})
		if len(into) > 0 {
			break
		}
	}
	return into, given
}

// personProperties returns the members of the first object of them that has
// any.
func (r *FlagsRequest) personProperties() []member {
	f := &r.fields
	ms := f.objects[namePersonProperties]
	if ms.from == ms.to {
		ms = f.objects[nameDollarProperties]
	}
	return f.all[ms.from:ms.to]
}

// groupMembers does the same for groups.
func (r *FlagsRequest) groupMembers() []member {
	f := &r.fields
	ms := f.objects[nameGroups]
	if ms.from == ms.to {
		ms = f.objects[nameDollarGroups]
	}
	return f.all[ms.from:ms.to]
}

// groupProperties does the same for group_properties.
func (r *FlagsRequest) groupProperties() []group {
	f := &r.fields
	ms := f.objects[nameGroupProperties]
	if ms.from == ms.to {
		ms = f.objects[nameDollarGroupProperties]
	}
	return f.inner[ms.from:ms.to]
}
