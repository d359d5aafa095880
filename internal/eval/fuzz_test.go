package eval_test

import (
	"encoding/binary"
	"math/rand/v2"
	"testing"

	"github.com/guidon-flags/guidon/internal/eval"
)

// script is a source of numbers that are read from data; after its end all are
// zero, so that every script makes a finite project.
type script struct{ data []byte }

func (s *script) Uint64() uint64 {
	var b [8]byte
	// A random source is asked for a number of 64 bits even where a handful is
	// needed: two bytes of the script are spread over it.
	n := copy(b[6:], s.data)
	s.data = s.data[n:]
	return binary.LittleEndian.Uint64(b[:])
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
		g := generator{rand.New(&script{data})}
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
