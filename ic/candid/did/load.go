package did

import (
	"fmt"
	"path"
	"slices"
)

const maxImports = 100

// Parse reads a file that imports nothing.
func Parse(source string) (*Program, error) {
	return Load("the file", func(name string) ([]byte, error) {
		if name != "the file" {
			return nil, fmt.Errorf("import of %q: no files to import here", name)
		}
		return []byte(source), nil
	})
}

// Load reads the file of this name and all that it imports, whose names are taken
// relative to the file that imports them, with slashes.
func Load(name string, read func(name string) ([]byte, error)) (*Program, error) {
	l := &loader{read: read, program: &Program{types: map[string]*Type{}}, seen: map[string]*file{}}
	root, err := l.load(name)
	if err != nil {
		return nil, err
	}
	p := l.program
	p.Imports = len(root.imports) > 0
	p.Defs = root.defs
	for _, d := range p.Imported {
		p.types[d.Name] = d.Type
	}
	for _, d := range p.Defs {
		p.types[d.Name] = d.Type
	}
	if root.actor != nil || len(l.methods) > 0 {
		p.Init = root.init
		p.Service = &Type{Kind: Service, Methods: l.methods}
	}
	if err := l.check(root); err != nil {
		return nil, fmt.Errorf("%s: %w", name, err)
	}
	return p, nil
}

type loader struct {
	read    func(string) ([]byte, error)
	program *Program
	seen    map[string]*file // by cleaned name; nil while it is being loaded
	names   map[string]string
	methods []Method // of imported services
}

func (l *loader) load(name string) (*file, error) {
	name = path.Clean(name)
	if len(l.seen) >= maxImports {
		return nil, fmt.Errorf("more than %d imports", maxImports)
	}
	root := len(l.seen) == 0
	l.seen[name] = nil
	source, err := l.read(name)
	if err != nil {
		return nil, err
	}
	if root {
		l.program.Source = string(source)
		l.names = map[string]string{}
	}
	f, err := parseFile(string(source))
	if err != nil {
		return nil, fmt.Errorf("%s: %w", name, err)
	}
	for _, d := range f.defs {
		if other, ok := l.names[d.Name]; ok {
			return nil, fmt.Errorf("%s: type %s is also defined in %s", name, d.Name, other)
		}
		l.names[d.Name] = name
	}
	for _, i := range f.imports {
		if err := l.importFile(path.Join(path.Dir(name), i.path), i.service); err != nil {
			return nil, err
		}
	}
	l.seen[name] = f
	return f, nil
}

func (l *loader) importFile(name string, service bool) error {
	f, seen := l.seen[name]
	if seen && f == nil {
		return fmt.Errorf("%s imports itself", name)
	}
	if !seen {
		var err error
		if f, err = l.load(name); err != nil {
			return err
		}
		l.program.Imported = append(l.program.Imported, f.defs...)
	}
	if !service {
		return nil
	}
	if f.actor == nil || f.actor.Kind != Service {
		return fmt.Errorf("import service: %s has no service of its own", name)
	}
	l.methods = append(l.methods, f.actor.Methods...)
	return nil
}

// check walks all types, and joins the file's own methods to the imported ones.
func (l *loader) check(root *file) error {
	p := l.program
	defs := slices.Concat(p.Imported, p.Defs)
	for _, d := range defs {
		if p.selfNaming(d.Name) {
			return fmt.Errorf("type %s is only a name for itself", d.Name)
		}
	}
	for _, d := range defs {
		if err := p.checkType(d.Type); err != nil {
			return fmt.Errorf("type %s: %w", d.Name, err)
		}
	}
	if p.Service == nil {
		return nil
	}
	if root.actor != nil {
		if err := p.checkType(root.actor); err != nil {
			return fmt.Errorf("service: %w", err)
		}
		own := p.Resolve(root.actor)
		if own.Kind != Service {
			return fmt.Errorf("service: %s is no service", root.actor.Name)
		}
		p.Service.Methods = append(p.Service.Methods, own.Methods...)
	}
	return p.checkService()
}

func (p *Program) checkService() error {
	if err := p.checkArgs(p.Init); err != nil {
		return fmt.Errorf("service: %w", err)
	}
	seen := map[string]bool{}
	for _, m := range p.Service.Methods {
		if seen[m.Name] {
			return fmt.Errorf("method %s stands twice", m.Name)
		}
		seen[m.Name] = true
	}
	if err := p.checkMethods(p.Service.Methods); err != nil {
		return fmt.Errorf("service: %w", err)
	}
	return nil
}

func (p *Program) checkType(t *Type) error {
	switch t.Kind {
	case Ref:
		if _, ok := p.types[t.Name]; !ok {
			return fmt.Errorf("no type is called %s", t.Name)
		}
	case Opt, Vec:
		return p.checkType(t.Elem)
	case Record, Variant:
		for _, f := range t.Fields {
			if err := p.checkType(f.Type); err != nil {
				return err
			}
		}
	case Func:
		if err := p.checkArgs(t.Func.Args); err != nil {
			return err
		}
		return p.checkArgs(t.Func.Results)
	case Service:
		return p.checkMethods(t.Methods)
	}
	return nil
}

func (p *Program) checkArgs(args []Arg) error {
	for _, a := range args {
		if err := p.checkType(a.Type); err != nil {
			return err
		}
	}
	return nil
}

func (p *Program) checkMethods(methods []Method) error {
	for _, m := range methods {
		if err := p.checkType(m.Type); err != nil {
			return fmt.Errorf("method %s: %w", m.Name, err)
		}
		if p.Resolve(m.Type).Kind != Func {
			return fmt.Errorf("method %s: %s is no function", m.Name, m.Type.Name)
		}
	}
	return nil
}

// selfNaming reports whether following a name's references comes back to it.
func (p *Program) selfNaming(name string) bool {
	t := p.types[name]
	for range len(p.types) + 1 {
		if t == nil || t.Kind != Ref {
			return false
		}
		t = p.types[t.Name]
	}
	return true
}
