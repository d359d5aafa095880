package server

import "net/http"

// cors says which cross-origin requests a route allows (2.1).
type cors uint8

const (
	// anyOrigin is for what SDKs call from any web site.
	anyOrigin cors = iota
	// withoutCookies is for the management API: any site may call it with a
	// key of its own, none with the cookies of somebody who is logged in.
	withoutCookies
)

// Prebuilt values: assigning one does not allocate.
var (
	corsMethods     = []string{"GET,POST,OPTIONS,HEAD"}
	corsAPIMethods  = []string{"GET,POST,PUT,PATCH,DELETE,OPTIONS,HEAD"}
	corsExpose      = []string{"x-posthog-rate-limit-warning, ETag, Retry-After"}
	corsMaxAge      = []string{"86400"}
	corsCredentials = []string{"true"}
	corsVary        = []string{"Origin, Access-Control-Request-Method, Access-Control-Request-Headers"}
)

// apply sets the headers of an answer, whatever its status.
func (c cors) apply(h http.Header, r *http.Request) {
	h["Vary"] = corsVary
	h["Access-Control-Allow-Methods"] = corsMethods
	if c == withoutCookies {
		h["Access-Control-Allow-Methods"] = corsAPIMethods
	}
	if r.Method == http.MethodOptions {
		h["Access-Control-Max-Age"] = corsMaxAge
		if asked := r.Header["Access-Control-Request-Headers"]; len(asked) > 0 {
			h["Access-Control-Allow-Headers"] = asked
		}
	}
	origin := r.Header["Origin"]
	if len(origin) == 0 {
		return
	}
	h["Access-Control-Allow-Origin"] = origin[:1]
	h["Access-Control-Expose-Headers"] = corsExpose
	if c == anyOrigin {
		h["Access-Control-Allow-Credentials"] = corsCredentials
	}
}
