package posthog

import "strings"

// batchToken collects the names under which one object may give its project
// token, in order of rank.
type batchToken struct{ token, apiKey, dollarToken []byte }

// see takes a member of the object if it is a token.
func (t *batchToken) see(name, value []byte) {
	switch string(name) {
	case "token":
		t.token = value
	case "api_key":
		t.apiKey = value
	case "$token":
		t.dollarToken = value
	}
}

// value returns the JSON value of the token, nil if there is none.
func (t *batchToken) value() []byte {
	for _, v := range [][]byte{t.token, t.apiKey, t.dollarToken} {
		if !isNull(v) {
			return v
		}
	}
	return nil
}

// tokenChoice settles on the one token of a request (2.1, step 6): that of the
// batch, else the one that those of its events have that bring any.
type tokenChoice struct {
	token string
	found bool
	fixed bool
	err   error // the first reason to refuse
}

// fix takes the token of the batch; those of events do not count after it.
func (c *tokenChoice) fix(raw []byte) {
	c.fixed = true
	c.add(raw)
}

// see takes the token of an event.
func (c *tokenChoice) see(e *rawEvent) {
	if c.fixed {
		return
	}
	raw := e.token.value()
	if raw == nil {
		raw = e.innerToken.value()
	}
	if raw != nil {
		c.add(raw)
	}
}

func (c *tokenChoice) add(raw []byte) {
	text, ok := jsonText(raw)
	switch {
	case c.err != nil:
	case !ok:
		c.err = badCaptureToken("not_a_string")
	case c.found && c.token != text:
		c.err = errMixedTokens
	}
	c.token, c.found = text, true
}

// settle returns the token, which has the form of one, or why there is none.
func (c *tokenChoice) settle() (string, error) {
	switch {
	case c.err != nil:
		return "", c.err
	case !c.found:
		return "", errNoCaptureToken
	}
	if reason := captureTokenFault(c.token); reason != "" {
		return "", badCaptureToken(reason)
	}
	return c.token, nil
}

// captureTokenFault says why a text cannot be a project token; empty: it can.
func captureTokenFault(token string) string {
	switch {
	case token == "":
		return "empty"
	case len(token) > maxCaptureToken:
		return "too_long"
	case strings.IndexFunc(token, func(r rune) bool { return r > 0x7e || r < 0x20 }) >= 0:
		return "not_ascii"
	case strings.HasPrefix(token, "phx_"):
		return "personal_api_key"
	}
	return ""
}
