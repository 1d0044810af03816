package rules

import (
	"encoding/json"
	"errors"
	"fmt"
	"go/ast"
	"go/constant"
	"go/importer"
	"go/parser"
	"go/token"
	"go/types"
	"io"
	"math"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

// wrapped are the packages in which every product of floats is converted where it stands: the compilers of some
// processors fuse a product into the sum that it feeds, with other bits, unless a conversion rounds it first.
var wrapped = []string{"./inference/...", "./vectordb/..."}

// unwrapped are packages below those whose floats decide no result: they time, measure or print.
var unwrapped = []string{"inference/internal/..."}

// targets are machines whose files differ; together they cover every file.
var targets = []string{"linux/amd64", "linux/arm64", "wasip1/wasm"}

// TestProductsAreConverted finds products of floats that are not converted directly, quotients by powers of two, *= on
// floats, and math.FMA.
func TestProductsAreConverted(t *testing.T) {
	seen := map[string]bool{}
	for _, target := range targets {
		files := 0
		for _, p := range compiled(t, target) {
			if p.DepOnly || anyMatch(unwrapped, rel(p.ImportPath)) {
				continue
			}
			files += len(p.GoFiles)
			for _, found := range products(t, p) {
				if !seen[found] {
					seen[found] = true
					t.Error(found)
				}
			}
		}
		if files < 20 {
			t.Fatalf("only %d files for %s: the test looks in the wrong place", files, target)
		}
	}
}

// The search finds what it is there for, and nothing else.
func TestProducts(t *testing.T) {
	const file = "testdata/floats/products.go"
	source, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	var want, got []string
	for i, line := range strings.Split(string(source), "\n") {
		if code, comment, _ := strings.Cut(line, "// "); comment == "bad" && code != "" {
			want = append(want, fmt.Sprint(i+1))
		}
	}
	exports := compiled(t, targets[0])
	p := compiledPackage{ImportPath: "floats", Dir: filepath.Dir(file), GoFiles: []string{filepath.Base(file)}, exports: exports[0].exports}
	for _, found := range products(t, p) {
		got = append(got, strings.Split(found, ":")[1])
	}
	if !slices.Equal(slices.Compact(got), want) || len(want) == 0 {
		t.Errorf("found products in lines %v, want %v", got, want)
	}
}

// compiledPackage is a package with its own files and the compiled form of what it imports.
type compiledPackage struct {
	ImportPath, Dir, Export string
	GoFiles                 []string
	DepOnly                 bool
	exports                 map[string]string // compiled form by import path
}

func compiled(t *testing.T, target string) []compiledPackage {
	t.Helper()
	goos, goarch, _ := strings.Cut(target, "/")
	cmd := exec.Command("go", append([]string{"list", "-deps", "-export", "-json=ImportPath,Dir,Export,GoFiles,DepOnly"}, wrapped...)...)
	cmd.Dir = root(t)
	cmd.Env = append(os.Environ(), "CGO_ENABLED=0", "GOFLAGS=-trimpath", "GOOS="+goos, "GOARCH="+goarch)
	cmd.Stderr = os.Stderr
	out, err := cmd.Output()
	if err != nil {
		t.Fatalf("go list for %s: %v", target, err)
	}
	var all []compiledPackage
	exports := map[string]string{}
	for dec := json.NewDecoder(strings.NewReader(string(out))); ; {
		p := compiledPackage{exports: exports}
		if err := dec.Decode(&p); errors.Is(err, io.EOF) {
			return all
		} else if err != nil {
			t.Fatal(err)
		}
		exports[p.ImportPath] = p.Export
		all = append(all, p)
	}
}

// products lists what must not stand in a package so, as "file:line: text".
func products(t *testing.T, p compiledPackage) []string {
	t.Helper()
	set := token.NewFileSet()
	var files []*ast.File
	for _, name := range p.GoFiles {
		f, err := parser.ParseFile(set, filepath.Join(p.Dir, name), nil, 0)
		if err != nil {
			t.Fatal(err)
		}
		files = append(files, f)
	}
	info := &types.Info{Types: map[ast.Expr]types.TypeAndValue{}, Uses: map[*ast.Ident]types.Object{}}
	lookup := func(path string) (io.ReadCloser, error) { return os.Open(p.exports[path]) }
	config := types.Config{Importer: importer.ForCompiler(set, "gc", lookup)}
	if _, err := config.Check(p.ImportPath, set, files, info); err != nil {
		t.Fatalf("%s: %v", p.ImportPath, err)
	}
	var found []string
	report := func(n ast.Node, text string) {
		at := set.Position(n.Pos())
		name, err := filepath.Rel(root(t), at.Filename)
		if err != nil {
			name = at.Filename
		}
		found = append(found, fmt.Sprintf("%s:%d: %s", name, at.Line, text))
	}
	for _, f := range files {
		search(f, info, report)
	}
	return found
}

// search looks through one file. A product may stand inside a conversion to a float type and nowhere else.
func search(f *ast.File, info *types.Info, report func(ast.Node, string)) {
	converted := map[ast.Expr]bool{}
	ast.Inspect(f, func(n ast.Node) bool {
		switch n := n.(type) {
		case *ast.CallExpr:
			if len(n.Args) == 1 && info.Types[n.Fun].IsType() && hasFloat(info.TypeOf(n.Fun)) {
				converted[ast.Unparen(n.Args[0])] = true
			}
		case *ast.BinaryExpr:
			if info.Types[n].Value != nil || !hasFloat(info.TypeOf(n)) || converted[n] {
				break
			}
			switch {
			case n.Op == token.MUL:
				report(n, "a product of floats that is not converted where it stands: write float32(a*b)")
			case n.Op == token.QUO && powerOfTwo(info.Types[n.Y].Value):
				report(n, "a quotient by a power of two, which the compiler makes a product, that is not converted where it stands")
			}
		case *ast.AssignStmt:
			if n.Tok == token.MUL_ASSIGN && hasFloat(info.TypeOf(n.Lhs[0])) {
				report(n, "*= on floats: write x = float32(x*y)")
			}
		case *ast.SelectorExpr:
			if o := info.Uses[n.Sel]; o != nil && o.Pkg() != nil && o.Pkg().Path() == "math" && o.Name() == "FMA" {
				report(n, "math.FMA rounds once where all machines must round twice")
			}
		}
		return true
	})
}

// powerOfTwo reports whether a constant is one, so that dividing by it is multiplying by another constant.
func powerOfTwo(v constant.Value) bool {
	if v == nil {
		return false
	}
	x, _ := constant.Float64Val(v)
	fraction, _ := math.Frexp(math.Abs(x))
	return fraction == 0.5
}

// hasFloat reports whether a type, or one that a type parameter may stand for, is a float or complex.
func hasFloat(t types.Type) bool {
	if t == nil {
		return false
	}
	if p, ok := t.(*types.TypeParam); ok {
		return hasFloat(p.Constraint())
	}
	switch u := t.Underlying().(type) {
	case *types.Basic:
		return u.Info()&(types.IsFloat|types.IsComplex) != 0
	case *types.Interface:
		for i := range u.NumEmbeddeds() {
			if hasFloat(u.EmbeddedType(i)) {
				return true
			}
		}
	case *types.Union:
		for i := range u.Len() {
			if hasFloat(u.Term(i).Type()) {
				return true
			}
		}
	}
	return false
}
