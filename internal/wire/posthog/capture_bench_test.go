package posthog

import (
	"fmt"
	"strings"
	"testing"
)

// BenchmarkDecodeCapture reads a batch of 50 events as a browser sends them.
func BenchmarkDecodeCapture(b *testing.B) {
	var events []string
	for i := range 50 {
		events = append(events, fmt.Sprintf(`{"event":"$pageview","uuid":"0190a5e0-7b1c-7c5e-9a3e-2f6d0c1b4a55","timestamp":"2025-01-01T12:00:00.000Z",`+
			`"properties":{"token":"phc_t","distinct_id":"u%d","$browser":"Chrome","$browser_version":120,"$os":"Mac OS X","$current_url":"https://x.test/a?b=c",`+
			`"$lib":"web","$lib_version":"1.449.2","$screen_height":1080,"$screen_width":1920,"$session_id":"0190a5e0-7b1c-7c5e-9a3e-2f6d0c1b4a55","title":"Start"}}`, i))
	}
	body := []byte("[" + strings.Join(events, ",") + "]")
	b.SetBytes(int64(len(body)))
	b.ReportAllocs()
	for b.Loop() {
		if _, err := DecodeCapture(CaptureQuery{}, CaptureHints{Limit: MaxCapture}, body, captureNow); err != nil {
			b.Fatal(err)
		}
	}
}
