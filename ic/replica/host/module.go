package host

import (
	"bytes"
	"compress/gzip"
	"context"
	"fmt"
	"io"
	"strings"

	"github.com/tetratelabs/wazero"

	"assay/ic/wasm/meter"
	"assay/ic/wasm/module"
)

// maxModule is the longest module in bytes, unpacked.
const maxModule = 100 << 20

// ModuleError says why a module cannot be installed.
type ModuleError struct{ Why string }

// Error is the reason.
func (e *ModuleError) Error() string { return "invalid wasm: " + e.Why }

func moduleErrorf(format string, args ...any) error {
	return &ModuleError{fmt.Sprintf(format, args...)}
}

// MethodKind says how a method is exported.
type MethodKind uint8

// Kinds of method.
const (
	UpdateMethod MethodKind = iota + 1
	QueryMethod
	CompositeMethod
)

var methodPrefixes = [...]string{
	UpdateMethod:    "canister_update ",
	QueryMethod:     "canister_query ",
	CompositeMethod: "canister_composite_query ",
}

// Metadata is a custom section that the module publishes.
type Metadata struct {
	Public bool
	Value  []byte
}

// Module is compiled code, shared by its instances.
type Module struct {
	Hash         [32]byte // of the bytes given to [Engine.Compile]
	Instructions uint64   // in the module: the base of an install's cost
	Metadata     map[string]Metadata

	engine   *Engine
	compiled wazero.CompiledModule
	methods  map[string]MethodKind
	entries  map[string]bool // exported functions that are not methods
	globals  []string        // exports of mutable globals
	memory   bool

	users    int    // guarded by engine.mu
	released uint64 // guarded by engine.mu
}

// Method is how a method is exported, 0 if it is not.
func (m *Module) Method(name string) MethodKind { return m.methods[name] }

// Exports reports whether an entry point such as canister_heartbeat exists.
func (m *Module) Exports(entry string) bool { return m.entries[entry] }

// compile parses, checks, meters and compiles; users and hash are the caller's.
func (e *Engine) compile(ctx context.Context, wasm []byte) (*Module, error) {
	raw, err := unpack(wasm)
	if err != nil {
		return nil, err
	}
	parsed, err := module.Parse(raw)
	if err != nil {
		return nil, moduleErrorf("%v", err)
	}
	m := &Module{engine: e, methods: map[string]MethodKind{}, entries: map[string]bool{}, memory: len(parsed.Memories) > 0}
	if err := m.check(parsed); err != nil {
		return nil, err
	}
	metered, err := meter.Instrument(parsed)
	if err != nil {
		return nil, moduleErrorf("%v", err)
	}
	m.Instructions, m.globals, m.entries[meter.StartExport] = metered.Instructions, metered.Globals, metered.HasStart
	if m.compiled, err = e.runtime.CompileModule(ctx, metered.Wasm); err != nil {
		return nil, moduleErrorf("%v", err)
	}
	return m, nil
}

// unpack undoes gzip where the bytes begin like it.
func unpack(wasm []byte) ([]byte, error) {
	if !bytes.HasPrefix(wasm, []byte{0x1f, 0x8b, 0x08}) {
		return wasm, nil
	}
	z, err := gzip.NewReader(bytes.NewReader(wasm))
	if err != nil {
		return nil, moduleErrorf("unpack gzip: %v", err)
	}
	raw, err := io.ReadAll(io.LimitReader(z, maxModule+1))
	if err != nil {
		return nil, moduleErrorf("unpack gzip: %v", err)
	}
	if len(raw) > maxModule {
		return nil, moduleErrorf("more than %d bytes unpacked", maxModule)
	}
	return raw, nil
}

// check reads what the host needs and refuses what it cannot serve.
func (m *Module) check(p *module.Module) error {
	for _, imp := range p.Imports {
		if err := checkImport(p, imp); err != nil {
			return err
		}
	}
	for _, g := range p.Globals {
		if g.Mutable && g.Type == module.V128 {
			return moduleErrorf("a mutable global of type v128 is not supported")
		}
	}
	for _, ex := range p.Exports {
		if ex.Kind != module.KindFunc {
			continue
		}
		if err := m.addExport(p, ex); err != nil {
			return err
		}
	}
	return m.readMetadata(p.Customs)
}

func checkImport(p *module.Module, imp module.Import) error {
	if imp.Kind != module.KindFunc || imp.Module != "ic0" {
		return moduleErrorf("import %s.%s: only functions of ic0 can be imported", imp.Module, imp.Name)
	}
	call, ok := callsByName[imp.Name]
	if !ok {
		return moduleErrorf("import ic0.%s: there is no such system call", imp.Name)
	}
	if int(imp.Func) >= len(p.Types) || !p.Types[imp.Func].Equal(call.funcType()) {
		return moduleErrorf("import ic0.%s: its type must be %v", imp.Name, call.funcType())
	}
	return nil
}

// entryPoints are the exported names that the system calls by itself.
var entryPoints = map[string]bool{
	"canister_init": true, "canister_pre_upgrade": true, "canister_post_upgrade": true,
	"canister_inspect_message": true, "canister_heartbeat": true, "canister_global_timer": true,
	"canister_on_low_wasm_memory": true,
}

func (m *Module) addExport(p *module.Module, ex module.Export) error {
	kind := MethodKind(0)
	name := ""
	for k := UpdateMethod; k <= CompositeMethod; k++ {
		if rest, ok := strings.CutPrefix(ex.Name, methodPrefixes[k]); ok {
			kind, name = k, rest
		}
	}
	if kind == 0 && !entryPoints[ex.Name] {
		if strings.HasPrefix(ex.Name, "canister_") {
			return moduleErrorf("export %q: unknown name beginning with canister_", ex.Name)
		}
		return nil
	}
	if t, ok := p.TypeOf(ex.Index); !ok || len(t.Params) != 0 || len(t.Results) != 0 {
		return moduleErrorf("export %q: its type must be ()->()", ex.Name)
	}
	if kind == 0 {
		m.entries[ex.Name] = true
		return nil
	}
	if m.methods[name] != 0 {
		return moduleErrorf("method %q is exported twice", name)
	}
	m.methods[name] = kind
	return nil
}

func (m *Module) readMetadata(customs []module.Custom) error {
	m.Metadata = map[string]Metadata{}
	for _, c := range customs {
		rest, ok := strings.CutPrefix(c.Name, "icp:")
		if !ok {
			continue
		}
		name, public := strings.CutPrefix(rest, "public ")
		if !public {
			if name, ok = strings.CutPrefix(rest, "private "); !ok {
				return moduleErrorf("custom section %q: neither public nor private", c.Name)
			}
		}
		if _, twice := m.Metadata[name]; twice {
			return moduleErrorf("custom section %q appears twice", name)
		}
		m.Metadata[name] = Metadata{Public: public, Value: bytes.Clone(c.Bytes)}
	}
	return nil
}
