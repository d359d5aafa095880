package eval_test

import (
	"encoding/json"
	"os"
	"path/filepath"
	"testing"

	"github.com/guidon-flags/guidon/internal/eval"
	"github.com/guidon-flags/guidon/internal/eval/evaltest"
)

const conformanceDir = "../../conformance/"

func TestEvaluationVectors(t *testing.T) {
	cases, err := evaltest.Load(conformanceDir + "vectors/*evaluation_*.json")
	if err != nil {
		t.Fatal(err)
	}
	runCases(t, cases)
}

func TestV1Corpus(t *testing.T) {
	cases, err := evaltest.LoadCorpus(conformanceDir + "rules_v2/corpus/v1_evaluation.json")
	if err != nil {
		t.Fatal(err)
	}
	runCases(t, cases)
}

func runCases(t *testing.T, cases []evaltest.Case) {
	in, out := new(eval.Input), new(eval.Results) // reused on purpose
	for i := range cases {
		t.Run(cases[i].ID, func(t *testing.T) { cases[i].Run(t, in, out) })
	}
	t.Logf("%d cases", len(cases))
}

func TestRulesVectors(t *testing.T) {
	files, err := filepath.Glob(conformanceDir + "vectors/*rules_v2_evaluation.json")
	if err != nil || len(files) == 0 {
		t.Fatalf("no cases: %v", err)
	}
	for _, file := range files {
		data, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		var cases []evaltest.RuleCase
		if err := json.Unmarshal(data, &cases); err != nil {
			t.Fatal(err)
		}
		for i := range cases {
			t.Run(cases[i].ID, func(t *testing.T) { cases[i].Run(t) })
		}
	}
}
