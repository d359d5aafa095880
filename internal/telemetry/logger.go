package telemetry

import (
	"fmt"
	"io"
	"log/slog"
	"runtime"
)

// NewLogger returns a logger that writes lines to w as "json" or, with any
// other format, as text.
func NewLogger(w io.Writer, format string, level slog.Leveler) *slog.Logger {
	o := &slog.HandlerOptions{Level: level}
	if format == "json" {
		return slog.New(slog.NewJSONHandler(w, o))
	}
	return slog.New(slog.NewTextHandler(w, o))
}

// PanicText returns what may be logged of a recovered value: what the Go
// runtime says, else only the value's type, since the value could quote a
// property or a key.
func PanicText(v any) string {
	if err, ok := v.(runtime.Error); ok {
		return err.Error()
	}
	return fmt.Sprintf("%T", v)
}
