package realmodel

import (
	"archive/zip"
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"go/ast"
	"go/parser"
	"go/token"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"

	"assay/commitment"
	"assay/inference/catalog"
)

// maxLiteral and maxJar bound what is read from a source, in bytes.
const (
	maxLiteral = 1 << 20
	maxEntry   = 256 << 20
)

// goLiteral is a file that a Go module carries as a string in its source: what function returns.
type goLiteral struct {
	module   string // "path@version"
	path     string // of the source file in the module
	function string
	sha256   commitment.Hash
}

func (g goLiteral) Name() string { return "Go module " + strings.Replace(g.module, "@", " ", 1) }

func (g goLiteral) Has(want catalog.File) bool { return want.SHA256 == g.sha256 }

// Fetch lets the go command download the module into its own cache.
func (g goLiteral) Fetch(ctx context.Context, _ catalog.File, _ catalog.Progress) (io.ReadCloser, error) {
	dir, err := os.MkdirTemp("", "assay-fetch-*")
	if err != nil {
		return nil, err
	}
	defer os.RemoveAll(dir)
	c := exec.CommandContext(ctx, "go", "mod", "download", "-json", g.module)
	c.Dir, c.Env = dir, append(os.Environ(), "GOFLAGS=-mod=mod", "GOWORK=off")
	out, err := c.Output()
	if err != nil {
		return nil, fmt.Errorf("go mod download %s: %w", g.module, err)
	}
	var module struct{ Dir string }
	if err := json.Unmarshal(out, &module); err != nil {
		return nil, fmt.Errorf("go mod download %s: %w", g.module, err)
	}
	source, err := os.ReadFile(filepath.Join(module.Dir, filepath.FromSlash(g.path)))
	if err != nil {
		return nil, err
	}
	literal, err := returned(source, g.function)
	return io.NopCloser(bytes.NewReader(literal)), err
}

// returned is the string literal in a function of Go source, unquoted.
func returned(source []byte, function string) (literal []byte, err error) {
	if len(source) > maxLiteral {
		return nil, fmt.Errorf("source of %d bytes, limit %d", len(source), maxLiteral)
	}
	file, err := parser.ParseFile(token.NewFileSet(), "", source, 0)
	if err != nil {
		return nil, err
	}
	for _, d := range file.Decls {
		f, ok := d.(*ast.FuncDecl)
		if !ok || f.Name.Name != function {
			continue
		}
		ast.Inspect(f, func(n ast.Node) bool {
			if text, ok := n.(*ast.BasicLit); ok && text.Kind == token.STRING && literal == nil {
				var s string
				s, err = strconv.Unquote(text.Value)
				literal = []byte(s)
			}
			return literal == nil
		})
	}
	if literal == nil && err == nil {
		err = fmt.Errorf("no string in a function %s", function)
	}
	return literal, err
}

// mavenJar is a file in the jar of a Maven artifact.
type mavenJar struct {
	artifact string // "group:artifact:version"
	path     string
	sha256   commitment.Hash
}

func (m mavenJar) Name() string { return "Maven " + m.artifact }

func (m mavenJar) Has(want catalog.File) bool { return want.SHA256 == m.sha256 }

// Fetch copies the jar into a temporary folder with Maven's dependency plugin.
func (m mavenJar) Fetch(ctx context.Context, _ catalog.File, _ catalog.Progress) (io.ReadCloser, error) {
	mvn, err := exec.LookPath("mvn")
	if err != nil {
		return nil, errors.New("mvn is not installed")
	}
	dir, err := os.MkdirTemp("", "assay-fetch-*")
	if err != nil {
		return nil, err
	}
	defer os.RemoveAll(dir)
	c := exec.CommandContext(ctx, mvn, "-q", "-B", "org.apache.maven.plugins:maven-dependency-plugin:3.6.1:copy",
		"-Dartifact="+m.artifact, "-DoutputDirectory=.")
	c.Dir = dir
	if out, err := c.CombinedOutput(); err != nil {
		return nil, fmt.Errorf("mvn dependency:copy: %w: %s", err, bytes.TrimSpace(out))
	}
	jars, err := filepath.Glob(filepath.Join(dir, "*.jar"))
	if err != nil || len(jars) != 1 {
		return nil, fmt.Errorf("mvn left %d jars, want one", len(jars))
	}
	data, err := entry(jars[0], m.path)
	return io.NopCloser(bytes.NewReader(data)), err
}

func entry(jar, path string) ([]byte, error) {
	archive, err := zip.OpenReader(jar)
	if err != nil {
		return nil, err
	}
	defer archive.Close()
	f, err := archive.Open(path)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	return io.ReadAll(io.LimitReader(f, maxEntry))
}
