package sqlite

import (
	"database/sql"
	"encoding/json"
	"fmt"
	"time"
)

// micros is a time as a column holds it.
func micros(t time.Time) int64 { return t.UnixMicro() }

// optional is a time of which the zero value is NULL.
func optional(t time.Time) any {
	if t.IsZero() {
		return nil
	}
	return t.UnixMicro()
}

// stored is t as it comes back from the database.
func stored(t time.Time) time.Time {
	if t.IsZero() {
		return time.Time{}
	}
	return time.UnixMicro(t.UnixMicro()).UTC()
}

// instant scans a time; NULL is the zero time.
type instant struct{ t *time.Time }

func (i instant) Scan(src any) error {
	switch v := src.(type) {
	case nil:
		*i.t = time.Time{}
	case int64:
		*i.t = time.UnixMicro(v).UTC()
	default:
		return fmt.Errorf("a time is kept as %T", src)
	}
	return nil
}

// document is a JSON text for a column that must hold one; nil becomes empty.
func document(text []byte, empty string) string {
	if text == nil {
		return empty
	}
	return string(text)
}

// nullable is a JSON text for a column that may be NULL.
func nullable(text []byte) any {
	if text == nil {
		return nil
	}
	return string(text)
}

// array encodes a list; nil is the empty one.
func array[T any](items []T) string {
	if len(items) == 0 {
		return "[]"
	}
	text, err := json.Marshal(items)
	if err != nil {
		panic(err) // strings and integers always encode
	}
	return string(text)
}

// elements scans a list; the empty one is nil.
type elements[T any] struct{ items *[]T }

func (e elements[T]) Scan(src any) error {
	text, ok := src.(string)
	if !ok {
		return fmt.Errorf("a list is kept as %T", src)
	}
	*e.items = nil
	if text == "[]" {
		return nil
	}
	return json.Unmarshal([]byte(text), e.items)
}

// truth is a *bool as a column holds it.
func truth(b *bool) any {
	if b == nil {
		return nil
	}
	return *b
}

// count is an *int64 as a column holds it.
func count(n *int64) any {
	if n == nil {
		return nil
	}
	return *n
}

// reference is a foreign key of which 0 means none.
func reference(id int64) any {
	if id == 0 {
		return nil
	}
	return id
}

// referred scans a foreign key; NULL is 0.
type referred struct{ id *int64 }

func (r referred) Scan(src any) error {
	var n sql.NullInt64
	if err := n.Scan(src); err != nil {
		return err
	}
	*r.id = n.Int64
	return nil
}

// maybe scans a text of which NULL is the empty one.
type maybe struct{ text *string }

func (m maybe) Scan(src any) error {
	var s sql.NullString
	if err := s.Scan(src); err != nil {
		return err
	}
	*m.text = s.String
	return nil
}
