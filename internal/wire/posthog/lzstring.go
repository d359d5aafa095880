package posthog

import (
	"unicode/utf16"
	"unicode/utf8"
)

// decompressLZString undoes lz-string's compressToBase64, an LZ78 over UTF-16
// code units whose bits are written six to a base64 character, and returns the
// text as UTF-8; lone surrogates become U+FFFD. It stops with ErrCaptureTooBig
// when the text is longer than limit bytes.
//
// A dictionary entry is always a stretch of the text that was put out already,
// so an entry is two numbers and memory stays proportional to input and limit.
func decompressLZString(src []byte, limit int) ([]byte, error) {
	d := lzDecoder{
		bits:    lzBits{src: trimPadding(src)},
		entries: make([]lzEntry, lzFirstEntry, 64),
		width:   2,
		limit:   limit,
	}
	if err := d.run(); err != nil {
		return nil, err
	}
	return appendUTF16(make([]byte, 0, len(d.out)), d.out), nil
}

// The codes with a meaning of their own; entries follow.
const (
	lzByte       = iota // eight bits with a new code unit follow
	lzUnit              // sixteen bits with a new code unit follow
	lzEnd               // the text is complete
	lzFirstEntry        // number of the first entry
)

var errLZString = captureUndecodable("not a text compressed by lz-string")

// lzEntry is a stretch of the text.
type lzEntry struct{ start, len int32 }

type lzDecoder struct {
	bits    lzBits
	entries []lzEntry // by number; the first three are unused
	width   int       // bits of the next code
	room    int       // entries until codes grow by a bit
	out     []uint16
	limit   int
}

func (d *lzDecoder) run() error {
	if len(d.bits.src) == 0 {
		return errLZString
	}
	// The first code has two bits and is always a new unit or the end; only
	// from the second one on is there a previous stretch to extend.
	code, ok := d.bits.read(d.width)
	if !ok || code > lzEnd {
		return errLZString
	}
	if code == lzEnd {
		return nil
	}
	last, err := d.literal(code)
	if err != nil {
		return err
	}
	d.width, d.room = 3, 4
	for {
		code, ok := d.bits.read(d.width)
		if !ok {
			return errLZString
		}
		if code == lzEnd {
			return nil
		}
		next, err := d.emit(code, last)
		if err != nil {
			return err
		}
		if len(d.out) > d.limit {
			return ErrCaptureTooBig
		}
		d.entries = append(d.entries, lzEntry{last.start, last.len + 1})
		d.grow()
		last = next
	}
}

// emit puts out the stretch that code names, last being the one before it, and
// returns where it went.
func (d *lzDecoder) emit(code uint32, last lzEntry) (lzEntry, error) {
	if code < lzEnd {
		next, err := d.literal(code)
		d.grow()
		return next, err
	}
	next := lzEntry{start: int32(len(d.out))}
	switch {
	case int(code) < len(d.entries):
		e := d.entries[code]
		d.out = append(d.out, d.out[e.start:e.start+e.len]...)
		next.len = e.len
	case int(code) == len(d.entries): // the entry that is about to be made
		d.out = append(d.out, d.out[last.start:last.start+last.len]...)
		d.out = append(d.out, d.out[last.start])
		next.len = last.len + 1
	default:
		return next, errLZString
	}
	return next, nil
}

// literal puts out a new code unit and makes it an entry.
func (d *lzDecoder) literal(code uint32) (lzEntry, error) {
	width := 8
	if code == lzUnit {
		width = 16
	}
	unit, ok := d.bits.read(width)
	if !ok {
		return lzEntry{}, errLZString
	}
	e := lzEntry{int32(len(d.out)), 1}
	d.out = append(d.out, uint16(unit))
	d.entries = append(d.entries, e)
	return e, nil
}

// grow counts a new entry and widens codes when their numbers are used up.
func (d *lzDecoder) grow() {
	d.room--
	if d.room == 0 {
		d.room = 1 << d.width
		d.width++
	}
}

// lzBits reads numbers whose lowest bit comes first from base64 characters
// whose highest bit comes first.
type lzBits struct {
	src  []byte
	cur  int8
	left int // bits of cur that were not read
}

// read returns a number of n bits, n ≤ 32; ok is false at the end of the text
// and at characters that are not base64.
func (r *lzBits) read(n int) (v uint32, ok bool) {
	for i := range n {
		if r.left == 0 {
			if len(r.src) == 0 || base64Value[r.src[0]] < 0 {
				return 0, false
			}
			r.cur, r.src, r.left = base64Value[r.src[0]], r.src[1:], 6
		}
		r.left--
		v |= uint32(r.cur>>r.left&1) << i
	}
	return v, true
}

// appendUTF16 appends units as UTF-8.
func appendUTF16(b []byte, units []uint16) []byte {
	for i := 0; i < len(units); i++ {
		r := rune(units[i])
		if utf16.IsSurrogate(r) {
			r2 := rune(utf8.RuneError)
			if i+1 < len(units) {
				r2 = rune(units[i+1])
			}
			if r = utf16.DecodeRune(r, r2); r != utf8.RuneError {
				i++
			}
		}
		b = utf8.AppendRune(b, r)
	}
	return b
}
