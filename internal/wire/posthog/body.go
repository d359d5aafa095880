package posthog

import "github.com/guidon-flags/guidon/internal/eval"

type fields struct{}

// Decode reads body, which must not be changed while r is in use. It returns
// an *Error of kind BadBody or TooLarge; r is then of no use but to be decoded
// into again.
func (r *FlagsRequest) Decode(body []byte, hints BodyHints) error { return nil }

// Fill gives in the properties and groups of the request that p reads. It may
// be called after a successful Decode.
func (r *FlagsRequest) Fill(p *eval.Program, in *eval.Input) {}
