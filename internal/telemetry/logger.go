package telemetry

import (
	"io"
	"log/slog"
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
