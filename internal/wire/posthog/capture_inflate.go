package posthog

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"strings"
	"sync"

	"github.com/klauspost/compress/flate"
	"github.com/klauspost/compress/zlib"
	"github.com/klauspost/compress/zstd"
)

// codec is a compression that an HTTP transport or a client applied.
type codec uint8

const (
	codecNone codec = iota
	codecGzip
	codecDeflate
	codecZstd
)

// codecNamed reads a Content-Encoding in any case; false if it names none of
// the codecs.
func codecNamed(encoding string) (codec, bool) {
	switch strings.ToLower(strings.TrimSpace(encoding)) {
	case "gzip", "x-gzip":
		return codecGzip, true
	case "deflate":
		return codecDeflate, true
	case "zstd":
		return codecZstd, true
	}
	return codecNone, false
}

// inflateCapture decompresses src and stops with ErrCaptureTooBig as soon as
// the result is longer than limit.
func inflateCapture(c codec, src []byte, limit int) ([]byte, error) {
	var out []byte
	var err error
	switch c {
	case codecNone:
		out = src
	case codecGzip:
		out, err = appendGunzipped(make([]byte, 0, min(4*len(src), limit)), src, limit)
	case codecDeflate:
		out, err = inflateDeflate(src, limit)
	case codecZstd:
		out, err = unzstd(src, limit)
	}
	if errors.Is(err, errTooLarge) || err == nil && len(out) > limit {
		return nil, ErrCaptureTooBig
	}
	if err != nil {
		return nil, captureUndecodable(err.Error())
	}
	return out, nil
}

// inflateDeflate reads zlib, which is what HTTP means by deflate, and bare
// deflate, which is what some clients send.
func inflateDeflate(src []byte, limit int) ([]byte, error) {
	if r, err := zlib.NewReader(bytes.NewReader(src)); err == nil {
		out, err := readBeyond(r, src, limit)
		if err != nil {
			return nil, fmt.Errorf("deflate: %w", err)
		}
		return out, nil
	}
	out, err := readBeyond(flate.NewReader(bytes.NewReader(src)), src, limit)
	if err != nil {
		return nil, fmt.Errorf("deflate: %w", err)
	}
	return out, nil
}

// zstdWindow bounds what a frame may ask a decoder to remember.
const zstdWindow = 8 << 20

var zstdReaders = sync.Pool{New: func() any {
	r, err := zstd.NewReader(nil, zstd.WithDecoderConcurrency(1), zstd.WithDecoderLowmem(true),
		zstd.WithDecoderMaxWindow(zstdWindow))
	if err != nil {
		panic("posthog: zstd options: " + err.Error()) // constant options
	}
	return r
}}

func unzstd(src []byte, limit int) ([]byte, error) {
	r := zstdReaders.Get().(*zstd.Decoder)
	defer zstdReaders.Put(r)
	if err := r.Reset(bytes.NewReader(src)); err != nil {
		return nil, fmt.Errorf("zstd: %w", err)
	}
	out, err := readBeyond(r, src, limit)
	if err != nil {
		return nil, fmt.Errorf("zstd: %w", err)
	}
	return out, r.Reset(nil)
}

// readBeyond reads r, which decompresses src, up to one byte more than limit.
func readBeyond(r io.Reader, src []byte, limit int) ([]byte, error) {
	var out bytes.Buffer
	out.Grow(min(4*len(src), limit) + bytes.MinRead)
	_, err := out.ReadFrom(io.LimitReader(r, int64(limit)+1))
	return out.Bytes(), err
}
