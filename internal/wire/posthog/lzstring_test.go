package posthog

import (
	"errors"
	"strings"
	"testing"
	"unicode/utf16"

	"pgregory.net/rapid"
)

// lzVectors were made with compressToBase64 of the npm package lz-string 1.5.0.
var lzVectors = []struct{ text, packed string }{
	{"", "Q==="},
	{"a", "IZA="},
	{"aa", "IbI="},
	{"hello, i am a 猫", "BYUwNmD2A0AECWsCGBbZtDUzkA=="},
	{"😀😀 mixed é ü", "rwbgA90AgWwSwDwUwCbgJfgD9A=="},
	{strings.Repeat("a", 40), "IY18ZVkA"},
	{"x\uFFFDy", "B6AA2J5A"}, // a lone surrogate between the letters
	{
		`{"event":"custom","distinct_id":"h","properties":{"$set":{"a":1}},"api_key":"phc_x"}`,
		"N4IgpgbmB2AuIC4QGMCuBnWB7AtiANCACYCWmJ0ysA+iUYiABYEgAOATlq2O7CWOkSgAJOjDwEoAIaIAjAF95hKaxLUA1mACeDVo2TUAHiHlA===",
	},
}

func TestDecompressLZString(t *testing.T) {
	for _, c := range lzVectors {
		got, err := decompressLZString([]byte(c.packed), 1000)
		if err != nil || string(got) != c.text {
			t.Errorf("decompressLZString(%s) = %q, %v; want %q", c.packed, got, err, c.text)
		}
		if packed := compressLZString(c.text); !strings.Contains(c.text, "\uFFFD") && packed != c.packed {
			t.Errorf("compressLZString(%q) = %s, want %s", c.text, packed, c.packed)
		}
	}
}

func TestDecompressLZStringRefuses(t *testing.T) {
	for _, src := range []string{"", "=", "A", "B", "////", "N4Ig!pgb", "N4IgpgbmB2", "hello world"} {
		if got, err := decompressLZString([]byte(src), 1000); err == nil {
			t.Errorf("decompressLZString(%q) = %q, want an error", src, got)
		}
	}
	long := compressLZString(strings.Repeat("a", 100_000))
	if _, err := decompressLZString([]byte(long), 99_999); !errors.Is(err, ErrCaptureTooBig) {
		t.Errorf("over the limit: error = %v, want ErrCaptureTooBig", err)
	}
	if got, err := decompressLZString([]byte(long), 100_000); err != nil || len(got) != 100_000 {
		t.Errorf("at the limit: %d bytes, %v", len(got), err)
	}
}

func TestLZStringRoundTrip(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		text := rapid.OneOf(
			rapid.String(),
			rapid.StringOfN(rapid.RuneFrom([]rune("ab")), 0, 2000, -1),
			rapid.StringOfN(rapid.RuneFrom([]rune("aé猫😀")), 0, 300, -1),
		).Draw(t, "text")
		got, err := decompressLZString([]byte(compressLZString(text)), 1<<20)
		if err != nil || string(got) != text {
			t.Fatalf("round trip of %q gave %q, %v", text, got, err)
		}
	})
}

func FuzzLZString(f *testing.F) {
	for _, c := range lzVectors {
		f.Add([]byte(c.packed))
	}
	f.Fuzz(func(t *testing.T, src []byte) {
		const limit = 1 << 16
		got, err := decompressLZString(src, limit)
		if err == nil && len(got) > 3*limit { // a code unit is at most three bytes
			t.Errorf("%d bytes from a limit of %d", len(got), limit)
		}
	})
}

// compressLZString is compressToBase64 of lz-string.
func compressLZString(text string) string {
	c := lzCompressor{codes: map[string]uint32{}, fresh: map[string]bool{}, width: 2, room: 2, next: lzFirstEntry}
	w := ""
	for _, unit := range utf16.Encode([]rune(text)) {
		ch := string([]byte{byte(unit >> 8), byte(unit)})
		if _, ok := c.codes[ch]; !ok {
			c.codes[ch] = c.next
			c.next++
			c.fresh[ch] = true
		}
		if _, ok := c.codes[w+ch]; ok {
			w += ch
			continue
		}
		c.put(w)
		c.codes[w+ch] = c.next
		c.next++
		w = ch
	}
	if w != "" {
		c.put(w)
	}
	c.bits(lzEnd, c.width)
	return c.base64()
}

type lzCompressor struct {
	codes map[string]uint32
	fresh map[string]bool // units whose code was not put out yet
	next  uint32
	width int
	room  int
	out   []byte // bits
}

func (c *lzCompressor) put(w string) {
	if !c.fresh[w] {
		c.bits(c.codes[w], c.width)
		c.grow()
		return
	}
	unit := uint32(w[0])<<8 | uint32(w[1])
	if unit < 256 {
		c.bits(lzByte, c.width)
		c.bits(unit, 8)
	} else {
		c.bits(lzUnit, c.width)
		c.bits(unit, 16)
	}
	c.grow()
	delete(c.fresh, w)
	c.grow()
}

func (c *lzCompressor) grow() {
	c.room--
	if c.room == 0 {
		c.room = 1 << c.width
		c.width++
	}
}

func (c *lzCompressor) bits(v uint32, n int) {
	for ; n > 0; n-- {
		c.out = append(c.out, byte(v&1))
		v >>= 1
	}
}

func (c *lzCompressor) base64() string {
	const alphabet = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/"
	var b strings.Builder
	for i := 0; i <= len(c.out)/6; i++ { // the last character is there even if it is empty
		v := byte(0)
		for j := range 6 {
			v <<= 1
			if k := 6*i + j; k < len(c.out) {
				v |= c.out[k]
			}
		}
		b.WriteByte(alphabet[v])
	}
	for b.Len()%4 != 0 {
		b.WriteByte('=')
	}
	return b.String()
}
