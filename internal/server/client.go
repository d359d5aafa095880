package server

import (
	"encoding/hex"
	"math/rand/v2"
	"net"
	"net/http"
	"net/netip"
	"strconv"
	"strings"
	"time"

	"github.com/google/uuid"
)

// requestID returns the id of a request: that of X-REQUEST-ID if it is a UUID,
// otherwise a new one (2.2).
func requestID(h http.Header) string {
	if v := h["X-Request-Id"]; len(v) > 0 {
		if id, err := uuid.Parse(v[0]); err == nil {
			return id.String()
		}
	}
	return newRequestID()
}

// newRequestID makes a random UUID, version 4. It is a label, not a secret.
func newRequestID() string {
	var id [16]byte
	a, b := rand.Uint64(), rand.Uint64()
	for i := range 8 {
		id[i], id[8+i] = byte(a>>(8*i)), byte(b>>(8*i))
	}
	id[6] = id[6]&0x0f | 0x40
	id[8] = id[8]&0x3f | 0x80
	var text [36]byte
	hex.Encode(text[0:8], id[0:4])
	text[8] = '-'
	hex.Encode(text[9:13], id[4:6])
	text[13] = '-'
	hex.Encode(text[14:18], id[6:8])
	text[18] = '-'
	hex.Encode(text[19:23], id[8:10])
	text[23] = '-'
	hex.Encode(text[24:36], id[10:16])
	return string(text[:])
}

// clientAddr returns the address that a request came from (2.3), the zero Addr
// if not even the peer's can be read.
func (s *Server) clientAddr(r *http.Request) netip.Addr {
	peer := parsePeer(r.RemoteAddr)
	forwarded := r.Header.Get("X-Forwarded-For")
	if forwarded == "" {
		return peer
	}
	if len(s.opts.TrustedProxies) > 0 {
		return s.behindProxies(peer, r.Header.Values("X-Forwarded-For"))
	}
	first, _, _ := strings.Cut(forwarded, ",")
	if a, ok := parseForwarded(first); ok {
		return a
	}
	return peer
}

// behindProxies goes from the peer backwards as long as a trusted proxy vouches
// for the entry before it.
func (s *Server) behindProxies(peer netip.Addr, headers []string) netip.Addr {
	entries := strings.Split(strings.Join(headers, ","), ",")
	client := peer
	for i := len(entries) - 1; i >= 0 && s.trusted(client); i-- {
		a, ok := parseForwarded(entries[i])
		if !ok {
			break
		}
		client = a
	}
	return client
}

func (s *Server) trusted(a netip.Addr) bool {
	for _, p := range s.opts.TrustedProxies {
		if p.Contains(a) {
			return true
		}
	}
	return false
}

func parsePeer(remote string) netip.Addr {
	host, _, err := net.SplitHostPort(remote)
	if err != nil {
		return netip.Addr{}
	}
	a, err := netip.ParseAddr(host)
	if err != nil {
		return netip.Addr{}
	}
	return a.Unmap()
}

// parseForwarded reads one entry of X-Forwarded-For, with or without a port.
func parseForwarded(text string) (netip.Addr, bool) {
	text = strings.TrimSpace(text)
	if inner, ok := strings.CutPrefix(text, "["); ok {
		text, _, _ = strings.Cut(inner, "]")
	} else if colon := strings.LastIndexByte(text, ':'); colon > strings.LastIndexByte(text, '.') &&
		strings.Contains(text, ".") {
		text = text[:colon]
	}
	a, err := netip.ParseAddr(text)
	return a.Unmap(), err == nil
}

// queueTime reads X-Request-Start, "t=<seconds>[.<fraction>]" with or without
// the "t=", and returns the milliseconds from then to now. ok is false if the
// header cannot be read or lies in the future (2.4).
func queueTime(header string, now time.Time) (ms float64, ok bool) {
	at, ok := requestStart(header)
	if !ok {
		return 0, false
	}
	waited := now.UnixMilli() - at
	return float64(waited), waited >= 0
}

// requestStart reads X-Request-Start as milliseconds since the epoch.
func requestStart(header string) (ms int64, ok bool) {
	text := strings.TrimPrefix(header, "t=")
	whole, fraction, dot := strings.Cut(text, ".")
	if !digits(whole) || dot && !digits(fraction) {
		return 0, false
	}
	seconds, err := strconv.ParseInt(whole, 10, 64)
	if err != nil || seconds > 1<<43 {
		return 0, false
	}
	fraction = (fraction + "000")[:3]
	thousandths, err := strconv.ParseInt(fraction, 10, 64)
	return seconds*1000 + thousandths, err == nil
}

func digits(s string) bool {
	for i := range len(s) {
		if s[i] < '0' || s[i] > '9' {
			return false
		}
	}
	return s != ""
}
