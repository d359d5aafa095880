package posthog

import (
	"errors"
	"time"
)

// CaptureV1 is a decoded capture request of version 1 (docs/identity.md,
// section 2.2).
type CaptureV1 struct {
	// Events to apply, in the order in which they were sent.
	Events []CapturedEvent
	// Results has an entry for each event that was sent, in that order: those
	// that are CaptureOK are of Events.
	Results []CaptureV1Result
}

// CaptureV1Result is what comes of one event.
type CaptureV1Result struct {
	UUID    string // of the event, as the client wrote it but for white space around it
	Outcome CaptureOutcome
	Details string // a tag; empty: there is nothing to say
}

// CaptureOutcome is what comes of an event.
type CaptureOutcome uint8

// The outcomes.
const (
	CaptureOK    CaptureOutcome = iota // taken
	CaptureDrop                        // can never be taken; Details says why
	CaptureRetry                       // not taken; the client sends it again
)

var captureOutcomes = [...]string{CaptureOK: "ok", CaptureDrop: "drop", CaptureRetry: "retry"}

// Details of results.
const (
	detailEventTooBig    = "event_too_big"
	detailPerformance    = "dropped_performance_event"
	detailNoName         = "missing_event_name"
	detailLongName       = "event_name_too_long"
	detailNoDistinctID   = "missing_distinct_id"
	detailLongDistinctID = "distinct_id_too_large"
	detailBadTime        = "invalid_event_timestamp"
	detailBadProperties  = "malformed_event_properties"
	detailBadOptions     = "invalid_options"
	detailPersonless     = "person_processing_disabled" // of an event that is taken
	detailNotStored      = "not_persisted"              // of an event to send again
)

// maxCaptureV1Text is the length of a name or a distinct id in bytes; events
// with longer ones are dropped.
const maxCaptureV1Text = 200

// DecodeCaptureV1 reads the body of a request that arrived at now. The text may
// have limit bytes after decompression. Events alias body or a copy of it that
// belongs to them.
//
// An error is a *CaptureV1Error about the request as a whole; what is wrong with
// one event is in its result. One that is ErrCaptureTooBig is about the limit.
func DecodeCaptureV1(r CaptureV1Request, body []byte, limit int, now time.Time) (CaptureV1, error) {
	if len(body) == 0 {
		return CaptureV1{}, errEmptyBodyV1
	}
	payload, err := inflateCapture(r.codec, body, limit)
	switch {
	case errors.Is(err, ErrCaptureTooBig):
		return CaptureV1{}, errTooLargeV1
	case err != nil:
		return CaptureV1{}, refuseCaptureV1(TagUndecodable, "The body is not in its content encoding.")
	case len(payload) == 0:
		return CaptureV1{}, errEmptyBodyV1
	}
	d := captureV1Decoder{now: now, sentAt: r.sentAt, lib: r.lib}
	if d.lib != nil {
		d.lifted = lift(d.lib, eventOptions{})
	}
	return d.decode(payload)
}

var (
	errEmptyBodyV1 = refuseCaptureV1(TagEmptyBody, "The body is empty.")
	errTooLargeV1  = &CaptureV1Error{Tag: TagTooLarge, Description: "The body is too large.", cause: ErrCaptureTooBig}
)

// Retry has the client send Events again but for the first n, and takes them
// from Events.
func (c *CaptureV1) Retry(n int) {
	c.Events = c.Events[:n]
	for i := range c.Results {
		r := &c.Results[i]
		if r.Outcome != CaptureOK {
			continue
		}
		if n--; n < 0 {
			r.Outcome, r.Details = CaptureRetry, detailNotStored
		}
	}
}

// Discard makes every event one that was taken, and takes none.
func (c *CaptureV1) Discard() {
	c.Events = nil
	for i := range c.Results {
		c.Results[i].Outcome, c.Results[i].Details = CaptureOK, ""
	}
}

// Dropped returns how many events can never be taken.
func (c *CaptureV1) Dropped() (n int) {
	for i := range c.Results {
		if c.Results[i].Outcome == CaptureDrop {
			n++
		}
	}
	return n
}

// AppendJSON appends the answer to the request.
func (c *CaptureV1) AppendJSON(b []byte) []byte {
	b = append(b, `{"results":{`...)
	for i, r := range c.Results {
		if i > 0 {
			b = append(b, ',')
		}
		// A UUID in any form, an outcome and a tag need no escapes.
		b = append(append(append(b, '"'), r.UUID...), `":{"result":"`...)
		b = append(append(b, captureOutcomes[r.Outcome]...), '"')
		if r.Details != "" {
			b = append(append(append(b, `,"details":"`...), r.Details...), '"')
		}
		b = append(b, '}')
	}
	return append(b, `}}`...)
}
