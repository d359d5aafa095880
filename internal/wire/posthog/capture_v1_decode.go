package posthog

import (
	"strconv"
	"strings"
	"time"

	"github.com/guidon-flags/guidon/internal/wire/jsonval"
)

// captureV1Decoder reads the JSON text of one request of version 1.
type captureV1Decoder struct {
	now    time.Time
	sentAt time.Time
	lib    []byte // JSON text; nil: not told
	lifted []byte // of events without options

	seen map[string]struct{} // UUIDs in their canonical form
	out  CaptureV1
}

func (d *captureV1Decoder) decode(payload []byte) (CaptureV1, error) {
	payload, ok := captureJSON(payload)
	if !ok {
		return CaptureV1{}, refuseCaptureV1(TagUnparsable, "The body is not valid JSON.")
	}
	if payload[0] != '{' {
		return CaptureV1{}, refuseCaptureV1(TagUnparsable, "The body is not an object.")
	}
	var batch, createdAt []byte
	each(payload, func(name, value []byte) {
		switch string(name) {
		case "batch":
			batch = value
		case "created_at":
			createdAt = value
		}
	})
	if len(batch) == 0 || batch[0] != '[' {
		return CaptureV1{}, refuseCaptureV1(TagUnparsable, "The body has no list batch.")
	}
	if at, _ := jsonText(createdAt); !isRFC3339(at) {
		return CaptureV1{}, refuseCaptureV1(TagBadBatch, "The field created_at must be a time of RFC 3339.")
	}
	d.seen = map[string]struct{}{}
	if err := jsonval.Elements(batch, d.event); err != nil { // valid JSON: the error is ours
		return CaptureV1{}, err
	}
	if len(d.out.Results) == 0 {
		return CaptureV1{}, refuseCaptureV1(TagEmptyBatch, "The list batch is empty.")
	}
	return d.out, nil
}

func isRFC3339(s string) bool {
	_, ok := parseRFC3339(s)
	return ok
}

// rawEventV1 is an event as it was sent: JSON texts, nil where there is none.
type rawEventV1 struct {
	name, uuid, distinctID, timestamp []byte
	options, properties               []byte
}

func readEventV1(raw []byte) rawEventV1 {
	var e rawEventV1
	each(raw, func(name, value []byte) {
		switch string(name) {
		case "event":
			e.name = value
		case "uuid":
			e.uuid = value
		case "distinct_id":
			e.distinctID = value
		case "timestamp":
			e.timestamp = value
		case "options":
			e.options = value
		case "properties":
			e.properties = value
		}
	})
	return e
}

// event reads one event. Without a UUID of its own it cannot be answered, so
// that the whole request is refused; whatever else is wrong drops the event.
func (d *captureV1Decoder) event(raw []byte) error {
	if raw[0] != '{' {
		return refuseCaptureV1(TagUnparsable, "An event is not an object.")
	}
	e := readEventV1(raw)
	text, _ := jsonText(e.uuid)
	if text = strings.TrimSpace(text); text == "" {
		return refuseCaptureV1(TagMissingEventUUID, "An event has no uuid.")
	}
	uuid := canonicalUUID(text)
	if uuid == "" {
		return refuseCaptureV1(TagBadEventUUID, "The uuid of an event is none.")
	}
	if _, twice := d.seen[uuid]; twice {
		return refuseCaptureV1(TagDuplicateEventUUID, "Two events have the same uuid.")
	}
	d.seen[uuid] = struct{}{}

	result := CaptureV1Result{UUID: text}
	event, drop := d.build(&e, len(raw))
	switch {
	case drop != "":
		result.Outcome, result.Details = CaptureDrop, drop
	case sharedID(event.DistinctID):
		result.Details = detailPersonless
	}
	if drop == "" {
		event.UUID = uuid
		d.out.Events = append(d.out.Events, event)
	}
	d.out.Results = append(d.out.Results, result)
	return nil
}

// build turns e, a text of size bytes, into an event without its UUID, or says
// why it is dropped.
func (d *captureV1Decoder) build(e *rawEventV1, size int) (out CapturedEvent, drop string) {
	name, _ := jsonText(e.name)
	id, _ := jsonText(e.distinctID)
	id = strings.TrimSpace(id)
	switch {
	case name == "$performance_event":
		return out, detailPerformance
	case name == "":
		return out, detailNoName
	case len(name) > maxCaptureV1Text:
		return out, detailLongName
	case id == "":
		return out, detailNoDistinctID
	case len(id) > maxCaptureV1Text:
		return out, detailLongDistinctID
	}
	timestamp, _ := jsonText(e.timestamp)
	at, ok := parseRFC3339(timestamp)
	switch {
	case !ok:
		return out, detailBadTime
	case size > MaxCapture:
		return out, detailEventTooBig
	case e.properties != nil && e.properties[0] != '{' || tooDeep(e.properties, maxNesting):
		return out, detailBadProperties
	}
	options, ok := readOptions(e.options)
	if !ok {
		return out, detailBadOptions
	}
	if !options.ignoresSkew(e.properties) {
		at = onOurClock(at, d.sentAt, d.now)
	}
	if sharedID(id) {
		options.person = optionFalse
	}
	out = CapturedEvent{
		Name: limitText(name, maxEventName), DistinctID: limitText(id, maxDistinctID),
		Time: believable(at, d.now), Properties: e.properties, Lifted: d.lifted,
	}
	if options.person != optionAbsent || options.cookieless != optionAbsent {
		out.Lifted = lift(d.lib, options)
	}
	return out, ""
}

// option is a boolean that may be absent.
type option uint8

const (
	optionAbsent option = iota
	optionFalse
	optionTrue
)

// eventOptions are the options of an event that matter.
type eventOptions struct {
	person     option // process_person_profile
	cookieless option // cookieless_mode
	skew       option // disable_skew_correction
}

// readOptions reads the options of an event; false if one of them cannot be
// read. Unknown ones are ignored.
func readOptions(raw []byte) (o eventOptions, ok bool) {
	if isNull(raw) {
		return o, true
	}
	if raw[0] != '{' {
		return o, false
	}
	ok = true
	each(raw, func(name, value []byte) {
		var fits bool
		switch string(name) {
		case "process_person_profile":
			o.person, fits = readOption(value)
		case "cookieless_mode":
			o.cookieless, fits = readOption(value)
		case "disable_skew_correction":
			o.skew, fits = readOption(value)
		case "product_tour_id":
			fits = isNull(value) || value[0] == '"' || isInteger(value)
		default:
			fits = true
		}
		ok = ok && fits
	})
	return o, ok
}

// readOption reads a boolean, which may be written as text or number.
func readOption(raw []byte) (o option, ok bool) {
	switch raw[0] {
	case 'n':
		return optionAbsent, true
	case 't':
		return optionTrue, true
	case 'f':
		return optionFalse, true
	case '{', '[':
		return optionAbsent, false
	case '"':
		text, _ := jsonText(raw)
		switch strings.ToLower(strings.TrimSpace(text)) {
		case "true", "1":
			return optionTrue, true
		case "false", "0":
			return optionFalse, true
		}
		return optionAbsent, false
	}
	if n, _ := strconv.ParseFloat(string(raw), 64); n == 0 { // out of range is infinite
		return optionFalse, true
	}
	return optionTrue, true
}

// isInteger reports whether raw is a number without fraction and exponent.
func isInteger(raw []byte) bool {
	_, err := strconv.ParseInt(string(raw), 10, 64)
	return err == nil
}

// ignoresSkew reports whether the event's time counts as it is. Properties have
// their say where the option is absent, as in version 0.
func (o *eventOptions) ignoresSkew(properties []byte) bool {
	if o.skew != optionAbsent || properties == nil {
		return o.skew == optionTrue
	}
	ignore := false
	each(properties, func(name, value []byte) {
		if string(name) == "$ignore_sent_at" {
			ignore = value[0] == 't'
		}
	})
	return ignore
}

// lift writes what a client says beside the properties as the properties that
// version 0 has for it. lib may be nil.
func lift(lib []byte, o eventOptions) []byte {
	b := []byte{'{'}
	add := func(name string, value []byte) {
		if len(b) > 1 {
			b = append(b, ',')
		}
		b = append(append(append(append(b, '"'), name...), `":`...), value...)
	}
	if lib != nil {
		add("$lib", lib)
	}
	for _, member := range []struct {
		name  string
		value option
	}{
		{"$process_person_profile", o.person},
		{"$cookieless_mode", o.cookieless},
	} {
		if member.value != optionAbsent {
			add(member.name, strconv.AppendBool(nil, member.value == optionTrue))
		}
	}
	return append(b, '}')
}

// sharedIDs are distinct ids that faulty clients send for many people: events
// of version 1 with one are personless (4.4). The reference has user as well;
// here a person who is called so can log in (case c1-identify).
var sharedIDs = map[string]bool{
	"0": true, "00000000-0000-0000-0000-000000000000": true, "[object object]": true,
	"anonymous": true, "anonymous-user": true, "backend": true, "distinct_id": true, "distinctid": true,
	"email": true, "false": true, "guest": true, "id": true, "nan": true, "none": true,
	"not_authenticated": true, "null": true, "system": true, "true": true, "undefined": true,
}

// sharedID reports whether id, which has no white space around it, is one of
// them in any case.
func sharedID(id string) bool { return sharedIDs[strings.ToLower(id)] }
