package project

import (
	"errors"
	"fmt"
	"go/ast"
	"go/parser"
	"go/token"
	"io/fs"
	"path"
	"strconv"
	"strings"
)

// roots are the packages that authors of canisters import or run. To them come all below
// [rootTree] but internal ones, which only come where they are imported.
var roots = []string{"ic/canistertest", "ic/candid/candidgen", "ic/candid/text", "ic/management/managementapi"}

const rootTree = "ic/cdk"

// Sources are the files, by slash-separated name, of packages and all that they import of
// this module: Go files for any system but no tests, what those embed, and kernels.
func Sources(tree fs.FS, packages ...string) (map[string][]byte, error) {
	c, err := closureOf(tree, packages)
	if err != nil {
		return nil, err
	}
	return c.files, nil
}

func closureOf(tree fs.FS, packages []string) (*closure, error) {
	c := &closure{tree: tree, files: map[string][]byte{}, seen: map[string]bool{}}
	for _, dir := range packages {
		if err := c.add(dir); err != nil {
			return nil, err
		}
	}
	return c, nil
}

// sources are those of a project: of the root packages and of the kit.
func sources(tree fs.FS) (map[string][]byte, error) {
	c, err := closureOf(tree, roots)
	if err != nil {
		return nil, err
	}
	err = fs.WalkDir(tree, rootTree, func(dir string, d fs.DirEntry, err error) error {
		if err != nil || !d.IsDir() {
			return err
		}
		if d.Name() == "internal" || d.Name() == "testdata" {
			return fs.SkipDir
		}
		return c.add(dir)
	})
	return c.files, err
}

type closure struct {
	tree  fs.FS
	files map[string][]byte
	seen  map[string]bool
}

// add takes one package and what it imports. A folder without Go files has none.
func (c *closure) add(dir string) error {
	if c.seen[dir] {
		return nil
	}
	c.seen[dir] = true
	names, err := fs.Glob(c.tree, path.Join(dir, "*.go"))
	if err != nil {
		return err
	}
	var imports []string
	for _, name := range names {
		if strings.HasSuffix(name, "_test.go") {
			continue
		}
		b, err := fs.ReadFile(c.tree, name)
		if err != nil {
			return err
		}
		parsed, err := parser.ParseFile(token.NewFileSet(), name, b, parser.ParseComments|parser.SkipObjectResolution)
		if err != nil {
			return fmt.Errorf("read the kit: %w", err)
		}
		c.files[name] = b
		imports = append(imports, own(parsed)...)
		if err := c.embedded(dir, parsed); err != nil {
			return err
		}
	}
	if err := c.kernels(dir); err != nil {
		return err
	}
	for _, imported := range imports {
		if _, err := fs.Stat(c.tree, imported); err != nil {
			return fmt.Errorf("%s imports %s, which kit.go does not embed", dir, imported)
		}
		if err := c.add(imported); err != nil {
			return err
		}
	}
	return nil
}

// kernels takes the .wat files beside a package: what ic/wasm/build links with it.
func (c *closure) kernels(dir string) error {
	names, err := fs.Glob(c.tree, path.Join(dir, "*.wat"))
	if err != nil {
		return err
	}
	for _, name := range names {
		if c.files[name], err = fs.ReadFile(c.tree, name); err != nil {
			return err
		}
	}
	return nil
}

// own are the folders of this module's packages that a file imports.
func own(f *ast.File) []string {
	var out []string
	for _, i := range f.Imports {
		p, err := strconv.Unquote(i.Path.Value)
		if dir, ok := strings.CutPrefix(p, kitModule+"/"); err == nil && ok {
			out = append(out, dir)
		}
	}
	return out
}

// embedded takes the files that go:embed lines of a file name.
func (c *closure) embedded(dir string, f *ast.File) error {
	for _, group := range f.Comments {
		for _, line := range group.List {
			patterns, ok := strings.CutPrefix(line.Text, "//go:embed ")
			if !ok {
				continue
			}
			for _, p := range strings.Fields(patterns) {
				if err := c.matching(path.Join(dir, strings.Trim(p, "`\""))); err != nil {
					return err
				}
			}
		}
	}
	return nil
}

func (c *closure) matching(pattern string) error {
	names, err := fs.Glob(c.tree, pattern)
	if err != nil {
		return err
	}
	if len(names) == 0 {
		return fmt.Errorf("embed %s: %w", pattern, fs.ErrNotExist)
	}
	for _, name := range names {
		walk := fs.WalkDir(c.tree, name, func(p string, d fs.DirEntry, err error) error {
			if err != nil || d.IsDir() {
				return err
			}
			b, err := fs.ReadFile(c.tree, p)
			c.files[p] = b
			return err
		})
		err = errors.Join(err, walk)
	}
	return err
}
