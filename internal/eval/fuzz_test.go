package eval_test

import (
	"encoding/binary"
	"math/rand/v2"
	"testing"

	"github.com/guidon-flags/guidon/internal/eval"
)

// script is a source of numbers that come from data, two bytes each; after its
// end they come from a counter, so that whoever draws until something fits
// comes to an end too.
type script struct {
	data []byte
	past uint64
}

func (s *script) Uint64() uint64 {
	var v uint64
	if len(s.data) >= 2 {
		v, s.data = uint64(binary.LittleEndian.Uint16(s.data)), s.data[2:]
	} else {
		s.past++
		v = 1<<16 + s.past
	}
	// All bits have to depend on v: callers take the high ones or the low ones.
	v = (v + 1) * 0x9e3779b97f4a7c15
	return v ^ v>>29
}

// FuzzCompileDecide makes a project and a subject of the fuzzer's bytes and
// compares all ways to decide.
func FuzzCompileDecide(f *testing.F) {
	for seed := range uint64(20) {
		data := make([]byte, 600)
		r := rand.New(rand.NewPCG(seed, 1))
		for i := range data {
			data[i] = byte(r.Uint32())
		}
		f.Add(data)
	}
	f.Fuzz(func(t *testing.T, data []byte) {
		g := generator{rand.New(&script{data: data})}
		def := g.project()
		p, _ := eval.Compile(def)
		c := comparison{seen: make(map[string]int)}
		for range 3 {
			sub := g.subject(def)
			sub.load(g, def)
			if diff := c.compare(p, def, sub); diff != "" {
				t.Fatalf("%s\nproject: %s\nsubject: %s", diff, dump(def), dump(sub))
			}
		}
	})
}
