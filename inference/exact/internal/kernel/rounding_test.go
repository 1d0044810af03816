package kernel

import (
	"go/ast"
	"go/importer"
	"go/parser"
	"go/token"
	"go/types"
	"os"
	"strings"
	"testing"
)

// Go may fuse a float product into the sum that it feeds, except where the product is converted explicitly. So in
// this package no float product may be an operand of a sum or difference unless it stands inside a conversion. The
// product may also come through a variable: the compiler fuses across statements, so every float product that
// is not directly the right side of a plain assignment or argument of a call must be converted too.
func TestProductsAreRoundedBeforeSums(t *testing.T) {
	files := token.NewFileSet()
	parsed := sources(t, files)
	info := check(t, files, parsed)
	found := 0
	for _, file := range parsed {
		for _, e := range unrounded(file, info) {
			t.Errorf("%s: a float product feeds a sum without a conversion", files.Position(e.Pos()))
		}
		ast.Inspect(file, func(n ast.Node) bool {
			if b, ok := n.(*ast.BinaryExpr); ok && isFloatProduct(b, info) {
				found++
			}
			return true
		})
	}
	if found < 20 {
		t.Errorf("only %d float products seen: the search is broken", found)
	}
}

// The search itself must find each way in which a product can reach a sum.
func TestUnroundedProductsAreFound(t *testing.T) {
	bad := []string{
		"s += a * b", "s -= a * b", "s = a*b + s", "s = s - a*b", "s = -(a * b) + s", "s = (a * b) + s",
		"p := a * b; s += p", "p := a * b; s = s - p", "v[0] = a * b; s += v[0]", "s = s + a*b*s", "s = float32(a+b*s)",
	}
	good := []string{
		"s += float32(a * b)", "s = float32(a*b) + s", "s = a * b", "i += i * i", "p := float32(a * b); s += p",
		"s = Canon(a * b)", "s = float32(float32(a*b)*s) + b", "s = float32((a+b)*s) + a", "s = a / b + s",
	}
	wrap := func(body string) string {
		return "package p\nfunc Canon(x float32) float32 { return x }\nfunc f(a, b, s float32, i int, v []float32) { " + body + "; _ = s }"
	}
	for _, cases := range []struct {
		bodies []string
		want   bool
	}{{bad, true}, {good, false}} {
		for _, body := range cases.bodies {
			files := token.NewFileSet()
			file, err := parser.ParseFile(files, "p.go", wrap(body), 0)
			if err != nil {
				t.Fatal(err)
			}
			if got := len(unrounded(file, check(t, files, []*ast.File{file}))) > 0; got != cases.want {
				t.Errorf("%q: found %v, want %v", body, got, cases.want)
			}
		}
	}
}

func sources(t *testing.T, files *token.FileSet) []*ast.File {
	entries, err := os.ReadDir(".")
	if err != nil {
		t.Fatal(err)
	}
	var parsed []*ast.File
	for _, e := range entries {
		name := e.Name()
		if !strings.HasSuffix(name, ".go") || strings.HasSuffix(name, "_test.go") || name == "kernel_amd64.go" {
			continue
		}
		file, err := parser.ParseFile(files, name, nil, 0)
		if err != nil {
			t.Fatal(err)
		}
		parsed = append(parsed, file)
	}
	return parsed
}

func check(t *testing.T, files *token.FileSet, parsed []*ast.File) *types.Info {
	t.Helper()
	info := &types.Info{Types: map[ast.Expr]types.TypeAndValue{}}
	config := types.Config{Importer: importer.ForCompiler(files, "source", nil)}
	if _, err := config.Check("p", files, parsed, info); err != nil {
		t.Fatal(err)
	}
	return info
}

func isFloat(e ast.Expr, info *types.Info) bool {
	tv := info.Types[e]
	if tv.Value != nil || tv.Type == nil { // constants are computed by the compiler, exactly
		return false
	}
	basic, ok := tv.Type.Underlying().(*types.Basic)
	return ok && basic.Info()&types.IsFloat != 0
}

func isFloatProduct(e ast.Expr, info *types.Info) bool {
	b, ok := e.(*ast.BinaryExpr)
	return ok && b.Op == token.MUL && isFloat(b, info)
}

// bare strips what does not round: parentheses and signs.
func bare(e ast.Expr) ast.Expr {
	for {
		switch x := e.(type) {
		case *ast.ParenExpr:
			e = x.X
		case *ast.UnaryExpr:
			if x.Op != token.SUB && x.Op != token.ADD {
				return e
			}
			e = x.X
		default:
			return e
		}
	}
}

// unrounded lists float products that reach a sum: as its operand, or stored in a variable or element that the
// same function adds.
func unrounded(file *ast.File, info *types.Info) []ast.Expr {
	var out []ast.Expr
	for _, d := range file.Decls {
		f, ok := d.(*ast.FuncDecl)
		if !ok || f.Body == nil {
			continue
		}
		stored := map[string]ast.Expr{}
		ast.Inspect(f.Body, func(n ast.Node) bool {
			a, ok := n.(*ast.AssignStmt)
			if !ok || len(a.Lhs) != len(a.Rhs) {
				return true
			}
			for i := range a.Rhs {
				if a.Tok == token.MUL_ASSIGN && isFloat(a.Lhs[i], info) || isFloatProduct(bare(a.Rhs[i]), info) {
					stored[types.ExprString(a.Lhs[i])] = a.Rhs[i]
				}
			}
			return true
		})
		operand := func(e ast.Expr) {
			e = bare(e)
			if isFloatProduct(e, info) {
				out = append(out, e)
			} else if product, ok := stored[types.ExprString(e)]; ok && isFloat(e, info) {
				out = append(out, product)
			}
		}
		ast.Inspect(f.Body, func(n ast.Node) bool {
			switch x := n.(type) {
			case *ast.BinaryExpr:
				if (x.Op == token.ADD || x.Op == token.SUB) && isFloat(x, info) {
					operand(x.X)
					operand(x.Y)
				}
			case *ast.AssignStmt:
				if (x.Tok == token.ADD_ASSIGN || x.Tok == token.SUB_ASSIGN) && isFloat(x.Lhs[0], info) {
					operand(x.Lhs[0])
					operand(x.Rhs[0])
				}
			}
			return true
		})
	}
	return out
}
