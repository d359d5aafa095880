package posthog

import (
	"bytes"
	"errors"
	"strings"
	"time"
	"unicode/utf8"

	"github.com/go-json-experiment/json/jsontext"

	"github.com/guidon-flags/guidon/internal/wire/jsonval"
)

// captureDecoder reads the JSON text of one v0 request (2.1, steps 5 to 9).
type captureDecoder struct {
	now    time.Time
	sentAt time.Time // of the query or the batch; zero: unknown
	engage bool

	token  tokenChoice
	events []CapturedEvent
	fault  error // the first event that cannot be taken
}

// errStop ends a walk whose reason is kept elsewhere.
var errStop = errors.New("stop")

func (d *captureDecoder) decode(payload []byte) (Capture, error) {
	payload, ok := captureJSON(payload)
	if !ok {
		return Capture{}, captureUnparsable("not valid JSON")
	}
	var err error
	switch payload[0] {
	case '[':
		err = d.list(payload)
	case '{':
		err = d.object(payload)
	default:
		err = captureUnparsable("neither an array nor an object")
	}
	if err != nil {
		return Capture{}, err
	}
	// Whose events they are is settled before what is wrong with them.
	token, err := d.token.settle()
	if err == nil {
		err = d.fault
	}
	if err != nil {
		return Capture{}, err
	}
	return Capture{Token: token, Events: d.events}, nil
}

// object reads a batch or a single event.
func (d *captureDecoder) object(payload []byte) error {
	var batch, sentAt []byte
	var token batchToken
	each(payload, func(name, value []byte) {
		switch string(name) {
		case "batch":
			batch = value
		case "sent_at":
			sentAt = value
		default:
			token.see(name, value)
		}
	})
	if isNull(batch) {
		return d.event(payload)
	}
	if batch[0] != '[' {
		return captureUnparsable("batch is not an array")
	}
	if text, ok := jsonText(sentAt); ok {
		if t, ok := parseISOTime(text); ok {
			d.sentAt = t
		}
	}
	if value := token.value(); value != nil {
		d.token.fix(value)
	}
	return d.list(batch)
}

// list reads an array of events.
func (d *captureDecoder) list(array []byte) error {
	var err error
	count := 0
	_ = jsonval.Elements(array, func(value []byte) error { // valid JSON: the only error is ours
		count++
		if err = d.event(value); err != nil {
			return errStop
		}
		return nil
	})
	if err == nil && count == 0 {
		return errNoPayload
	}
	return err
}

// rawEvent is an event as it was sent: JSON texts, nil where there is none.
type rawEvent struct {
	name, uuid, timestamp, offset []byte
	distinctID, dollarID          []byte
	properties, set, setOnce      []byte
	token                         batchToken

	// Of the properties.
	innerID      []byte
	innerToken   batchToken
	ignoreSentAt bool
}

// event reads one event. The error is about its form; what is wrong with its
// content becomes d.fault.
func (d *captureDecoder) event(raw []byte) error {
	if raw[0] != '{' {
		return captureUnparsable("an event is not an object")
	}
	e := readEvent(raw)
	if isNull(e.properties) {
		e.properties = nil
	} else if e.properties[0] != '{' {
		return captureUnparsable("properties is not an object")
	}
	for _, document := range [][]byte{e.properties, e.set, e.setOnce} {
		if tooDeep(document, maxNesting) {
			return captureUnparsable("properties are nested too deeply")
		}
	}
	name, ok := jsonText(e.name)
	switch {
	case isNull(e.name) && d.engage:
		name = "$identify"
	case !ok:
		return captureUnparsable("an event has no name")
	}
	e.readProperties()
	d.token.see(&e)
	if name == "$performance_event" {
		return nil
	}
	out, err := d.build(name, &e)
	if err != nil {
		if d.fault == nil {
			d.fault = err
		}
		return nil
	}
	d.events = append(d.events, out)
	return nil
}

func readEvent(raw []byte) rawEvent {
	var e rawEvent
	each(raw, func(name, value []byte) {
		switch string(name) {
		case "event":
			e.name = value
		case "uuid":
			e.uuid = value
		case "timestamp":
			e.timestamp = value
		case "offset":
			e.offset = value
		case "distinct_id":
			e.distinctID = value
		case "$distinct_id":
			e.dollarID = value
		case "properties":
			e.properties = value
		case "$set":
			e.set = value
		case "$set_once":
			e.setOnce = value
		default:
			e.token.see(name, value)
		}
	})
	return e
}

// readProperties takes from the properties what belongs to the envelope.
func (e *rawEvent) readProperties() {
	if e.properties == nil {
		return
	}
	each(e.properties, func(name, value []byte) {
		switch string(name) {
		case "distinct_id":
			e.innerID = value
		case "$ignore_sent_at":
			e.ignoreSentAt = value[0] == 't'
		default:
			e.innerToken.see(name, value)
		}
	})
}

// build turns e into an event, or says why it is none.
func (d *captureDecoder) build(name string, e *rawEvent) (CapturedEvent, error) {
	out := CapturedEvent{
		Name:       limitText(name, maxEventName),
		Properties: e.properties,
		Set:        e.set,
		SetOnce:    e.setOnce,
	}
	if out.Name == "" {
		return out, errNoEventName
	}
	for _, id := range [][]byte{e.distinctID, e.dollarID, e.innerID} {
		if !isNull(id) {
			out.DistinctID = distinctIDText(id)
			break
		}
	}
	if out.DistinctID == "" {
		return out, errNoDistinctID
	}
	if !isNull(e.uuid) {
		text, ok := jsonText(e.uuid)
		if out.UUID = canonicalUUID(text); !ok || out.UUID == "" && text != "" {
			return out, errEventUUID
		}
	}
	sentAt := d.sentAt
	if e.ignoreSentAt {
		sentAt = time.Time{}
	}
	out.Time = eventTime(e.timestamp, e.offset, sentAt, d.now)
	return out, nil
}

// distinctIDText returns the text of a distinct id, which may be any JSON
// value, with U+0000 replaced and cut to its longest length. Invalid JSON, too
// deeply nested as well, has none.
func distinctIDText(raw []byte) string {
	if text, ok := jsonText(raw); ok {
		return limitText(text, maxDistinctID)
	}
	v, err := jsonval.Parse(raw)
	if err != nil {
		return ""
	}
	return limitText(v.Text(), maxDistinctID)
}

// limitText replaces U+0000, which databases refuse, and cuts s to n characters.
func limitText(s string, n int) string {
	if strings.IndexByte(s, 0) >= 0 {
		s = strings.ReplaceAll(s, "\x00", string(utf8.RuneError))
	}
	return cutText(s, n)
}

// captureJSON returns the one JSON value of a payload without white space
// around it; false if there is none. Numbers that clients in Python write and
// JSON does not have become null.
func captureJSON(payload []byte) ([]byte, bool) {
	payload = bytes.Trim(payload, " \t\r\n")
	if isJSON(payload) {
		return payload, true
	}
	mended, found := appendFinite(nil, payload)
	return mended, found && isJSON(mended)
}

func isJSON(text []byte) bool {
	return jsontext.Value(text).IsValid(jsontext.AllowDuplicateNames(true), jsontext.AllowInvalidUTF8(true))
}

// each calls fn for the members of raw, an object that is known to be valid.
func each(raw []byte, fn func(name, value []byte)) {
	_ = jsonval.Members(raw, func(name, value []byte) error {
		fn(name, value)
		return nil
	})
}

func isNull(raw []byte) bool { return len(raw) == 0 || raw[0] == 'n' }

// jsonText returns the content of raw if it is a JSON string.
func jsonText(raw []byte) (string, bool) {
	if len(raw) == 0 || raw[0] != '"' {
		return "", false
	}
	text, err := jsonval.AppendUnquote(nil, raw)
	return string(text), err == nil
}
