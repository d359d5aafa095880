package manage

import (
	"bytes"
	"encoding/json"
	"slices"

	"github.com/guidon-flags/guidon/internal/feature"
	"github.com/guidon-flags/guidon/internal/store"
	"github.com/guidon-flags/guidon/internal/wire/jsonval"
)

// object is a JSON object whose members keep their order and their texts, so
// that numbers stay as they were written.
type object []member

type member struct {
	name  string
	value store.JSON
}

// parseObject reads raw; of members with the same name the last one counts, in
// the place of the first.
func parseObject(raw store.JSON) (object, error) {
	var o object
	err := jsonval.Members(raw, func(name, value []byte) error {
		o.set(string(name), slices.Clone(value))
		return nil
	})
	return o, err
}

// parseList reads the elements of a JSON array.
func parseList(raw store.JSON) ([]store.JSON, error) {
	var list []store.JSON
	err := jsonval.Elements(raw, func(value []byte) error {
		list = append(list, slices.Clone(value))
		return nil
	})
	return list, err
}

// get returns a member's value, nil if there is none.
func (o object) get(name string) store.JSON {
	for _, m := range o {
		if m.name == name {
			return m.value
		}
	}
	return nil
}

func (o *object) set(name string, value store.JSON) {
	for i := range *o {
		if (*o)[i].name == name {
			(*o)[i].value = value
			return
		}
	}
	*o = append(*o, member{name, value})
}

// remove takes members away and reports whether there were any.
func (o *object) remove(names ...string) bool {
	n := len(*o)
	*o = slices.DeleteFunc(*o, func(m member) bool { return slices.Contains(names, m.name) })
	return len(*o) != n
}

// encode returns o as compact JSON.
func (o object) encode() store.JSON {
	b := []byte{'{'}
	for i, m := range o {
		if i > 0 {
			b = append(b, ',')
		}
		b = feature.AppendQuoted(b, m.name)
		b = append(b, ':')
		b = append(b, compact(m.value)...)
	}
	return append(b, '}')
}

// encodeList joins values into a JSON array.
func encodeList(values []store.JSON) store.JSON {
	b := []byte{'['}
	for i, v := range values {
		if i > 0 {
			b = append(b, ',')
		}
		b = append(b, v...)
	}
	return append(b, ']')
}

// compact removes white space from valid JSON; anything else is returned as it
// is.
func compact(raw store.JSON) store.JSON {
	var b bytes.Buffer
	if json.Compact(&b, raw) != nil {
		return raw
	}
	return b.Bytes()
}

// isNull reports whether raw is absent or the JSON null.
func isNull(raw store.JSON) bool {
	return len(raw) == 0 || string(bytes.TrimSpace(raw)) == "null"
}

// sameJSON reports whether a and b are the same JSON value, whatever the order
// of members and the white space. Absent and null are the same.
func sameJSON(a, b store.JSON) bool {
	if isNull(a) || isNull(b) {
		return isNull(a) && isNull(b)
	}
	if bytes.Equal(a, b) {
		return true
	}
	v, err := jsonval.Parse(a)
	if err != nil {
		return false
	}
	w, err := jsonval.Parse(b)
	return err == nil && v.Equal(w)
}

// toJSON encodes a value that cannot fail to encode.
func toJSON(v any) store.JSON {
	var b bytes.Buffer
	enc := json.NewEncoder(&b)
	enc.SetEscapeHTML(false)
	if err := enc.Encode(v); err != nil {
		panic("manage: " + err.Error()) // only fixed types of this package come here
	}
	return bytes.TrimSuffix(b.Bytes(), []byte("\n"))
}

// orNull returns raw, and null if there is no value.
func orNull(raw store.JSON) store.JSON {
	if isNull(raw) {
		return store.JSON("null")
	}
	return raw
}
