package arch_test

import (
	"go/ast"
	"go/parser"
	"go/token"
	"io/fs"
	"os"
	"path"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
)

const (
	module = "github.com/guidon-flags/guidon/"
	root   = "../.."

	// noIO is what packages that only compute leave to others.
	noIO = "context net net/* os os/* database/* log log/*"

	sqlite    = "modernc.org/sqlite modernc.org/sqlite/*"
	goose     = "github.com/pressly/goose/v3 github.com/pressly/goose/v3/*"
	jsontext  = "github.com/go-json-experiment/json/jsontext"
	compress  = "github.com/klauspost/compress/*"
	uuid      = "github.com/google/uuid"
	metrics   = "github.com/prometheus/client_golang/prometheus github.com/prometheus/client_golang/prometheus/*"
	passwords = "golang.org/x/crypto/argon2"
	sync      = "golang.org/x/sync/*"
)

// rules says what each package may import: allow lists packages of ours and of
// third parties (nothing else is allowed), deny lists packages of the standard
// library. The first pattern that matches the package counts.
var rules = []struct{ pkg, allow, deny string }{
	{"internal/feature", "", noIO + " encoding/json time"},
	{"internal/dates", "", noIO + " encoding/json"},
	{"internal/pattern", "github.com/dlclark/regexp2/v2", noIO + " encoding/json"},
	{"internal/semver", "", noIO + " encoding/json time"},
	{"internal/eval", "internal/feature internal/dates internal/pattern internal/semver", noIO + " encoding/json"},
	{"internal/eval/evaltest", "internal/feature internal/dates internal/eval internal/wire/* " + testOnly, "net/* database/*"},
	{"internal/wire/jsonval", "internal/feature " + jsontext, noIO},
	{"internal/wire/filters", "internal/feature internal/dates internal/semver internal/wire/jsonval " + jsontext, noIO},
	{"internal/wire/posthog", "internal/feature internal/eval internal/wire/* " + jsontext + " " + compress, noIO},
	{"internal/wire/ofrep", "internal/feature internal/eval internal/wire/jsonval " + jsontext, noIO},
	{"internal/store", "", "net/* database/* os"},
	{"internal/store/storetest", "internal/store " + testOnly, "net/*"},
	{"internal/store/sqlite", "internal/store " + sqlite + " " + goose, "net/http"},
	{"internal/store/lazy", "internal/store", "net/* database/* os"},
	{"internal/snapshot", "internal/feature internal/eval internal/store internal/wire/filters internal/wire/jsonval " + sync, "net/* database/*"},
	{"internal/identity", "internal/feature internal/store internal/wire/jsonval " + uuid, "net/* database/*"},
	{"internal/identity/identitytest", "internal/identity internal/store", "database/*"},
	{"internal/decide", "internal/feature internal/eval internal/snapshot internal/store internal/telemetry internal/wire/jsonval", "net/* database/* os"},
	{"internal/auth", "internal/store " + passwords + " " + sync, "net/* database/*"},
	{"internal/manage", "internal/feature internal/eval internal/pattern internal/store internal/auth internal/identity internal/snapshot internal/wire/filters internal/wire/jsonval " + uuid, "net/http database/*"},
	{"internal/rest", "internal/feature internal/eval internal/store internal/auth internal/identity internal/snapshot internal/decide internal/manage internal/telemetry internal/wire/*", "database/*"},
	{"internal/server", "internal/feature internal/eval internal/store internal/wire/* internal/snapshot internal/decide internal/identity internal/auth internal/telemetry " + uuid + " " + metrics + " " + compress + " " + sync, "database/*"},
	{"internal/telemetry", metrics, "database/*"},
	{"internal/config", "github.com/alecthomas/kong", "net/http database/*"},
	{"internal/node", "internal/*", "database/*"},
	{"internal/arch", "", noIO},
	{"conformance", "", "net net/* database/*"},
	{"cmd/guidon", "*", ""},
}

// testOnly are the libraries that suites use; no product code imports a suite.
const testOnly = "github.com/google/go-cmp/cmp github.com/google/go-cmp/cmp/* pgregory.net/rapid go.uber.org/goleak"

// pure packages start no goroutine and read no clock: time comes in.
var pure = "internal/feature internal/dates internal/pattern internal/semver internal/eval internal/wire/*"

func TestImports(t *testing.T) {
	seen := map[string]bool{}
	eachFile(t, func(pkg string, file *ast.File, _ *token.FileSet) {
		seen[pkg] = true
		for _, spec := range file.Imports {
			imp, err := strconv.Unquote(spec.Path.Value)
			if err != nil {
				t.Fatal(err)
			}
			checkImport(t, pkg, imp)
		}
	})
	for _, r := range rules {
		if !seen[r.pkg] {
			t.Errorf("the table names %s, which has no Go files", r.pkg)
		}
	}
}

func checkImport(t *testing.T, pkg, imp string) {
	for _, r := range rules {
		if !match(r.pkg, pkg) {
			continue
		}
		first, _, _ := strings.Cut(imp, "/")
		std := !strings.Contains(first, ".")
		if std && match(r.deny, imp) || !std && !match(r.allow, strings.TrimPrefix(imp, module)) {
			t.Errorf("%s may not import %s", pkg, imp)
		}
		return
	}
	t.Errorf("no rule names %s: give it a line in internal/arch and docs/layout.md", pkg)
}

func TestPurePackagesOnlyCompute(t *testing.T) {
	eachFile(t, func(pkg string, file *ast.File, fset *token.FileSet) {
		if !match(pure, pkg) {
			return
		}
		ast.Inspect(file, func(n ast.Node) bool {
			switch n := n.(type) {
			case *ast.GoStmt:
				t.Errorf("%s: pure packages start no goroutine", fset.Position(n.Pos()))
			case *ast.SelectorExpr:
				if x, ok := n.X.(*ast.Ident); ok && x.Name == "time" && (n.Sel.Name == "Now" || n.Sel.Name == "Since" || n.Sel.Name == "Until") {
					t.Errorf("%s: pure packages get the time as an input", fset.Position(n.Pos()))
				}
			case *ast.FuncDecl:
				if n.Recv == nil && n.Name.Name == "init" {
					t.Errorf("%s: pure packages have no init", fset.Position(n.Pos()))
				}
			}
			return true
		})
	})
}

func TestEveryPackageHasAComment(t *testing.T) {
	has := map[string]bool{}
	eachFile(t, func(pkg string, file *ast.File, _ *token.FileSet) {
		has[pkg] = has[pkg] || file.Doc != nil && strings.TrimSpace(file.Doc.Text()) != ""
	})
	for pkg, ok := range has {
		if !ok {
			t.Errorf("package %s has no comment", pkg)
		}
	}
}

func TestSuitesStayOutOfTheProduct(t *testing.T) {
	eachFile(t, func(pkg string, file *ast.File, _ *token.FileSet) {
		if strings.HasSuffix(pkg, "test") {
			return
		}
		for _, spec := range file.Imports {
			if imp, _ := strconv.Unquote(spec.Path.Value); strings.HasPrefix(imp, module) && strings.HasSuffix(imp, "test") {
				t.Errorf("%s imports the test package %s", pkg, imp)
			}
		}
	})
}

func TestMatch(t *testing.T) {
	for _, c := range []struct {
		patterns, s string
		want        bool
	}{
		{"net net/*", "net/http", true},
		{"net net/*", "net/http/httptest", true},
		{"net/*", "net", false},
		{"internal/wire/*", "internal/wire/posthog", true},
		{"os", "ospkg", false},
		{"*", "anything/at/all", true},
		{"", "x", false},
	} {
		if got := match(c.patterns, c.s); got != c.want {
			t.Errorf("match(%q, %q) = %v, want %v", c.patterns, c.s, got, c.want)
		}
	}
}

// match reports whether one of the space-separated patterns matches s. A
// trailing /* matches everything below.
func match(patterns, s string) bool {
	for p := range strings.FieldsSeq(patterns) {
		if p == "*" || p == s {
			return true
		}
		if prefix, ok := strings.CutSuffix(p, "*"); ok && strings.HasPrefix(s, prefix) {
			return true
		}
	}
	return false
}

// eachFile parses every non-test Go file of the module, leaving out folders
// that are modules of their own. It reads the files itself so that the test
// cache knows what the result depends on.
func eachFile(t *testing.T, fn func(pkg string, file *ast.File, fset *token.FileSet)) {
	t.Helper()
	err := filepath.WalkDir(root, func(name string, d fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		if d.IsDir() {
			base := d.Name()
			if name != root && (strings.HasPrefix(base, ".") || base == "node_modules" || base == "testdata") {
				return filepath.SkipDir
			}
			if _, err := os.Stat(filepath.Join(name, "go.mod")); name != root && err == nil {
				return filepath.SkipDir
			}
			return nil
		}
		if !strings.HasSuffix(name, ".go") || strings.HasSuffix(name, "_test.go") {
			return nil
		}
		fset := token.NewFileSet()
		file, err := parser.ParseFile(fset, name, nil, parser.ParseComments|parser.SkipObjectResolution)
		if err != nil {
			return err
		}
		rel, err := filepath.Rel(root, name)
		if err != nil {
			return err
		}
		fn(path.Dir(filepath.ToSlash(rel)), file, fset)
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
}
