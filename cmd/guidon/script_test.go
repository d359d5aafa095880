package main

import (
	"os"
	"testing"
	"time"

	"github.com/rogpeppe/go-internal/testscript"
)

func TestMain(m *testing.M) {
	testscript.Main(m, map[string]func(){"guidon": main})
}

// TestScripts runs the commands as people do: testdata/script holds what they
// type and what they get to see.
func TestScripts(t *testing.T) {
	testscript.Run(t, testscript.Params{
		Dir:  "testdata/script",
		Cmds: map[string]func(*testscript.TestScript, bool, []string){"waitfor": waitFor},
	})
}

// waitFor waits until a file exists, by which a command in the background shows
// how far it is: waitfor FILE.
func waitFor(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) != 1 {
		ts.Fatalf("usage: waitfor FILE")
	}
	tick := time.NewTicker(10 * time.Millisecond)
	defer tick.Stop()
	timeout := time.After(20 * time.Second)
	for {
		select {
		case <-tick.C:
			if _, err := os.Stat(ts.MkAbs(args[0])); err == nil {
				return
			}
		case <-timeout:
			ts.Fatalf("%s does not appear", args[0])
		}
	}
}
