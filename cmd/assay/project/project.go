// Package project writes and finds canister projects outside this repository.
//
// `assay canister new` calls [New]. The project has the kit's sources in its folder kit,
// a module of its own that the project's go.mod points to, so it builds with the go
// command alone; outside modules, at the versions this repository uses, come from the
// module proxy. Building is ic/wasm/build's.
package project

import (
	"bytes"
	"embed"
	"errors"
	"fmt"
	"go/format"
	"go/token"
	"io/fs"
	"os"
	"path"
	"path/filepath"
	"regexp"
	"strings"

	"assay/ic/candid/did"
	"assay/ic/candid/gen"
)

// Options of a new project. The zero value works.
type Options struct {
	Name   string // of the canister; empty: the folder's name
	Module string // Go's path of the project; empty: example.com/ and the name
}

// ErrNotEmpty is returned where the folder has files already.
var ErrNotEmpty = errors.New("the folder is not empty")

//go:embed template
var templates embed.FS

var (
	goodName   = regexp.MustCompile(`^[a-z][a-z0-9]{0,30}$`)
	goodModule = regexp.MustCompile(`^[a-z0-9][a-zA-Z0-9._~-]*(/[a-zA-Z0-9._~-]+)*$`)
)

// New writes a project into dir, which must be empty or missing, and returns its name. A
// project that could not be written whole is removed again, but for dir.
func New(dir string, o Options) (name string, err error) {
	abs, err := filepath.Abs(dir)
	if err != nil {
		return "", err
	}
	if o.Name == "" {
		o.Name = filepath.Base(abs)
	}
	if o.Module == "" {
		o.Module = "example.com/" + o.Name
	}
	if err := o.check(); err != nil {
		return "", err
	}
	files, err := o.files()
	if err != nil {
		return "", err
	}
	if err := empty(abs); err != nil {
		return "", err
	}
	if err := write(abs, files); err != nil {
		return "", errors.Join(fmt.Errorf("write the project: %w", err), remove(abs))
	}
	return o.Name, nil
}

func (o Options) check() error {
	if !goodName.MatchString(o.Name) || token.IsKeyword(o.Name) || o.Name == "kit" || o.Name == "main" {
		return fmt.Errorf("canister name %q: lower-case letters and digits, a letter first, no word of Go's; give one with --name", o.Name)
	}
	if !goodModule.MatchString(o.Module) || o.Module == kitModule || strings.HasPrefix(o.Module, kitModule+"/") {
		return fmt.Errorf("module path %q: a path as in example.com/counter, other than %s", o.Module, kitModule)
	}
	return nil
}

// files are the contents of the project by their slash-separated names.
func (o Options) files() (map[string][]byte, error) {
	files, err := kitFiles()
	if err != nil {
		return nil, err
	}
	fill := strings.NewReplacer("{{name}}", o.Name, "{{module}}", o.Module)
	err = fs.WalkDir(templates, "template", func(p string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() {
			return err
		}
		b, err := templates.ReadFile(p)
		if err != nil {
			return err
		}
		name := strings.TrimSuffix(strings.TrimPrefix(p, "template/"), ".txt")
		if name = strings.ReplaceAll(name, "NAME", o.Name); name == "gitignore" {
			name = ".gitignore"
		}
		text := []byte(fill.Replace(string(b)))
		if path.Ext(name) == ".go" { // imports are sorted by path, which the template does not know
			if text, err = format.Source(text); err != nil {
				return fmt.Errorf("%s: %w", name, err)
			}
		}
		files[name] = text
		return nil
	})
	if err != nil {
		return nil, err
	}
	if err := o.api(files); err != nil {
		return nil, err
	}
	return files, o.modules(files)
}

// api generates the canister's interface in Go.
func (o Options) api(files map[string][]byte) error {
	name := o.Name + ".did"
	program, err := did.Load(name, func(string) ([]byte, error) { return files[name], nil })
	if err != nil {
		return err
	}
	source, err := gen.Source(program, name, o.Name+"api")
	files[o.Name+"api/api_gen.go"] = source
	return err
}

func empty(dir string) error {
	entries, err := os.ReadDir(dir)
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return err
	}
	if len(entries) > 0 {
		return fmt.Errorf("%s: %w: it has %s", dir, ErrNotEmpty, entries[0].Name())
	}
	return nil
}

func write(dir string, files map[string][]byte) error {
	for name, b := range files {
		file := filepath.Join(dir, filepath.FromSlash(name))
		if err := os.MkdirAll(filepath.Dir(file), 0o755); err != nil {
			return err
		}
		f, err := os.OpenFile(file, os.O_CREATE|os.O_EXCL|os.O_WRONLY, 0o644)
		if err != nil {
			return err
		}
		_, err = bytes.NewReader(b).WriteTo(f)
		if err = errors.Join(err, f.Close()); err != nil {
			return err
		}
	}
	return nil
}

// remove takes away what write made in a folder that was empty.
func remove(dir string) error {
	entries, err := os.ReadDir(dir)
	for _, e := range entries {
		err = errors.Join(err, os.RemoveAll(filepath.Join(dir, e.Name())))
	}
	return err
}
