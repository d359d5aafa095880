package jsonval_test

import (
	"errors"
	"strings"
	"testing"

	"github.com/guidon-flags/guidon/internal/feature"
	"github.com/guidon-flags/guidon/internal/wire/jsonval"
)

func TestParseTextForm(t *testing.T) {
	for _, c := range []struct{ src, want string }{
		{`"a\u0041\n"`, "aA\n"},
		{`"\ud800x"`, "\uFFFDx"},
		{`null`, "null"},
		{`true`, "true"},
		{`5`, "5"},
		{`5.0`, "5.0"},
		{`1e2`, "100.0"},
		{`1e15`, "1000000000000000.0"},
		{`1e16`, "1e16"},
		{`0.00001`, "0.00001"},
		{`1e-6`, "1e-6"},
		{`1.5e-7`, "1.5e-7"},
		{`-0.0`, "-0.0"},
		{`-0`, "-0.0"},
		{`18446744073709551615`, "18446744073709551615"},
		{`18446744073709551616`, "1.8446744073709552e19"},
		{`-9223372036854775808`, "-9223372036854775808"},
		{`-9223372036854775809`, "-9.223372036854776e18"},
		{`1e999`, "1.7976931348623157e308"},
		{` [1, "a" ,{"b":1.50,"a":[]}] `, `[1,"a",{"a":[],"b":1.5}]`},
		{`{"a":1,"a":2}`, `{"a":2}`},
	} {
		v, err := jsonval.Parse([]byte(c.src))
		if err != nil {
			t.Errorf("Parse(%s): %v", c.src, err)
			continue
		}
		if v.Text() != c.want {
			t.Errorf("Parse(%s).Text() = %s, want %s", c.src, v.Text(), c.want)
		}
	}
}

func TestParseRefuses(t *testing.T) {
	for _, src := range []string{``, `{`, `[1,]`, `01`, `NaN`, `1 2`, `{"a"}`, `'a'`} {
		if v, err := jsonval.Parse([]byte(src)); err == nil {
			t.Errorf("Parse(%q) = %q, want an error", src, v.Text())
		}
	}
	deep := strings.Repeat("[", jsonval.MaxDepth+1) + strings.Repeat("]", jsonval.MaxDepth+1)
	if _, err := jsonval.Parse([]byte(deep)); !errors.Is(err, jsonval.ErrDepth) {
		t.Errorf("Parse(deep) error = %v, want ErrDepth", err)
	}
	if _, err := jsonval.Parse([]byte(deep[1 : len(deep)-1])); err != nil {
		t.Errorf("Parse at the depth limit: %v", err)
	}
}

func TestMembersAndElements(t *testing.T) {
	var got []string
	err := jsonval.Members([]byte(` {"a": [1, 2], "\u0062": "x"} `), func(name, value []byte) error {
		got = append(got, string(name)+"="+string(value))
		return nil
	})
	if want := `a=[1, 2]|b="x"`; err != nil || strings.Join(got, "|") != want {
		t.Errorf("Members gave %q, %v; want %s", got, err, want)
	}
	got = nil
	err = jsonval.Elements([]byte(`[1,{"a":2}]`), func(value []byte) error {
		got = append(got, string(value))
		return nil
	})
	if want := `1|{"a":2}`; err != nil || strings.Join(got, "|") != want {
		t.Errorf("Elements gave %q, %v; want %s", got, err, want)
	}
	got = nil
	err = jsonval.Members([]byte("{\"\\ud800\":1,\"\xff\":2,\"b\":3}"), func(name, value []byte) error {
		got = append(got, string(name)+"="+string(value))
		return nil
	})
	if want := "\uFFFD=1|\uFFFD=2|b=3"; err != nil || strings.Join(got, "|") != want {
		t.Errorf("Members with mended names gave %q, %v; want %s", got, err, want)
	}
	if text, err := jsonval.AppendUnquote(nil, []byte(`"\ud800x"`)); err != nil || string(text) != "\uFFFDx" {
		t.Errorf("AppendUnquote of half a pair = %q, %v", text, err)
	}
	if err := jsonval.Members([]byte(`[]`), func(_, _ []byte) error { return nil }); err == nil {
		t.Error("Members of an array gave no error")
	}
}

func TestValueKinds(t *testing.T) {
	if !(feature.Value{}).Absent() || feature.Null.Absent() {
		t.Error("only the zero Value is absent")
	}
}
