package rest

import (
	"bytes"
	"encoding/json"
	"errors"
	"io"
	"mime"
	"mime/multipart"
	"net/http"
	"net/url"
	"unicode/utf8"

	"github.com/guidon-flags/guidon/internal/wire/jsonval"
)

// maxBody is how large the body of a request may be (section 1).
const maxBody = 20 << 20

// body reads the request's body, once. JSON is expected unless the content type
// says that it is a form; a form that is JSON all the same (as curl sends it by
// default) is read as JSON. No body is an empty object.
func (c *call) body() (*fields, error) {
	if c.read != nil {
		return c.read, nil
	}
	raw, err := io.ReadAll(http.MaxBytesReader(c.w, c.r.Body, maxBody))
	var tooLarge *http.MaxBytesError
	switch {
	case errors.As(err, &tooLarge):
		return nil, errTooLarge
	case err != nil:
		return nil, parseError("the request body could not be read")
	}
	c.read, err = readBody(raw, c.r.Header.Get("Content-Type"))
	return c.read, err
}

func readBody(raw []byte, contentType string) (*fields, error) {
	trimmed := bytes.TrimSpace(raw)
	looksJSON := len(trimmed) > 0 && (trimmed[0] == '{' || trimmed[0] == '[')
	media, params, _ := mime.ParseMediaType(contentType)
	switch {
	case len(trimmed) == 0:
		return &fields{values: map[string]json.RawMessage{}}, nil
	case media == "application/x-www-form-urlencoded" && !looksJSON:
		form, err := url.ParseQuery(string(raw))
		if err != nil {
			return nil, parseError("the form cannot be read")
		}
		return formFields(form), nil
	case media == "multipart/form-data":
		return multipartFields(raw, params["boundary"])
	}
	if err := checkJSON(trimmed); err != nil {
		return nil, err
	}
	f := &fields{raw: trimmed, values: map[string]json.RawMessage{}}
	if trimmed[0] == '[' {
		return f, nil
	}
	if err := json.Unmarshal(trimmed, &f.values); err != nil {
		return nil, invalid("", "invalid", "Invalid data. Expected a dictionary.")
	}
	return f, nil
}

// checkJSON refuses what is no JSON text, nests too deeply or holds a NUL
// character, which no store keeps.
func checkJSON(raw []byte) error {
	if !utf8.Valid(raw) {
		return parseError("the text is not valid UTF-8")
	}
	depth, inText := 0, false
	for i := 0; i < len(raw); i++ {
		switch b := raw[i]; {
		case inText && b == '\\':
			if bytes.HasPrefix(raw[i:], []byte(`\u0000`)) {
				return parseError("null characters are not allowed")
			}
			i++
		case b == '"':
			inText = !inText
		case inText:
		case b == '{' || b == '[':
			if depth++; depth > jsonval.MaxDepth {
				return parseError("%v", jsonval.ErrDepth)
			}
		case b == '}' || b == ']':
			depth--
		}
	}
	var probe json.RawMessage
	if err := json.Unmarshal(raw, &probe); err != nil {
		return parseError("%v", err)
	}
	return nil
}

// formFields takes the fields of a form as texts; of several values the last
// one counts.
func formFields(form url.Values) *fields {
	f := &fields{values: make(map[string]json.RawMessage), form: true}
	for name, values := range form {
		f.values[name] = quote(values[len(values)-1])
	}
	return f
}

func quote(s string) json.RawMessage {
	b, err := json.Marshal(s)
	if err != nil {
		return json.RawMessage(`""`) // a text always encodes
	}
	return b
}

// multipartFields reads a form with files, of which only csv is known.
func multipartFields(raw []byte, boundary string) (*fields, error) {
	if boundary == "" {
		return nil, parseError("the form has no boundary")
	}
	f := &fields{values: make(map[string]json.RawMessage), form: true}
	r := multipart.NewReader(bytes.NewReader(raw), boundary)
	for parts := 0; ; parts++ {
		part, err := r.NextPart()
		if errors.Is(err, io.EOF) && parts > 0 {
			return f, nil
		}
		if err != nil {
			return nil, parseError("the form cannot be read")
		}
		data, err := io.ReadAll(part) // bounded by the body
		switch {
		case err != nil:
			return nil, parseError("the form cannot be read")
		case part.FormName() == "csv":
			f.csv = append([]byte{}, data...)
		case part.FileName() == "":
			f.values[part.FormName()] = quote(string(data))
		}
	}
}
