package posthog

import (
	"bytes"
	"strconv"

	"github.com/go-json-experiment/json/jsontext"

	"github.com/guidon-flags/guidon/internal/wire/jsonval"
)

// RedactedPayload stands for an encrypted payload that a key may not read, in
// the form of payloads: a JSON text that holds JSON (management 4).
const RedactedPayload = `"\"********* (encrypted)\""`

// RemoteConfigPayload returns the payload of a remote configuration, that of
// true, from its filters document of any version: the JSON value as stored,
// without blanks around its parts, in memory of its own. It is nil if there is
// none, which null, false, zero and what is empty count as too (12).
func RemoteConfigPayload(filters []byte) ([]byte, error) {
	if !jsontext.Value(filters).IsValid(decodeOptions...) {
		return nil, errDocument
	}
	payload, err := memberOf(filters, "payloads")
	if err != nil {
		return nil, err
	}
	if len(payload) == 0 || payload[0] != '{' {
		return nil, nil
	}
	if payload, err = memberOf(payload, "true"); err != nil || payload == nil {
		return nil, err
	}
	value := jsontext.Value(bytes.Clone(payload))
	if err := value.Compact(decodeOptions...); err != nil {
		return nil, err
	}
	if isNothing(value) {
		return nil, nil
	}
	return value, nil
}

// memberOf returns the value of a member of an object, nil if it has none; of
// several the last one.
func memberOf(object []byte, name string) (value []byte, err error) {
	err = jsonval.Members(object, func(n, v []byte) error {
		if string(n) == name {
			value = v
		}
		return nil
	})
	return value, err
}

// isNothing reports whether a compact JSON value is one that the reference
// answers with an empty body.
func isNothing(value []byte) bool {
	switch string(value) {
	case `null`, `false`, `""`, `[]`, `{}`:
		return true
	}
	n, err := strconv.ParseFloat(string(value), 64)
	return err == nil && n == 0
}
