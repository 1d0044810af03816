package host

import (
	"bytes"
	"compress/gzip"
	"context"
	"fmt"
	"io"
	"strings"

	"github.com/tetratelabs/wazero"

	"assay/ic/wasm/link"
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
	CustomBytes  uint64 // of what is in Metadata, with the names
	Source       []byte // as given to [Engine.Compile], kept once for all who have it installed

	engine   *Engine
	runtime  wazero.Runtime
	compiled wazero.CompiledModule
	plan     *blueprint // without Wasm and data
	base     *basePages // of the data

	users    int    // guarded by engine.mu
	released uint64 // guarded by engine.mu
}

// Method is how a method is exported, 0 if it is not.
func (m *Module) Method(name string) MethodKind { return m.plan.Methods[name] }

// Exports reports whether an entry point such as canister_heartbeat exists.
func (m *Module) Exports(entry string) bool { return m.plan.Entries[entry] }

// compile makes a module of given bytes; users are the caller's.
func (e *Engine) compile(ctx context.Context, wasm []byte, hash [32]byte) (*Module, error) {
	metering := e.metering()
	b := e.kept(hash, metering)
	if b == nil {
		var err error
		if b, err = newBlueprint(wasm, metering); err != nil {
			return nil, err
		}
		e.keep(b, hash, metering)
	}
	own, compiled, err := e.native(ctx, b.Wasm)
	if err != nil {
		return nil, moduleErrorf("%v", err)
	}
	base := newBase(b.Datas)
	b.Wasm, b.Datas = nil, nil // the runtime and the base have them
	return &Module{Hash: hash, Instructions: b.Instructions, Metadata: b.Metadata, CustomBytes: b.CustomBytes, Source: bytes.Clone(wasm), engine: e, runtime: own, compiled: compiled, plan: b, base: base}, nil
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

// check refuses what the Internet Computer or this host cannot run, and reads what the
// host needs.
func (b *blueprint) check(p *module.Module) error {
	if err := link.Accept(p); err != nil {
		return moduleErrorf("%v", err)
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
		b.addExport(ex.Name)
	}
	b.readMetadata(p.Customs)
	for name, section := range b.Metadata {
		b.CustomBytes += uint64(len(name) + len(section.Value))
	}
	b.State = stateGlobals(p)
	return nil
}

// entryPoints are the exported names that the system calls by itself.
var entryPoints = map[string]bool{
	"canister_init": true, "canister_pre_upgrade": true, "canister_post_upgrade": true,
	"canister_inspect_message": true, "canister_heartbeat": true, "canister_global_timer": true,
	"canister_on_low_wasm_memory": true,
}

func (b *blueprint) addExport(name string) {
	for kind := UpdateMethod; kind <= CompositeMethod; kind++ {
		if method, ok := strings.CutPrefix(name, methodPrefixes[kind]); ok {
			b.Methods[method] = kind
			return
		}
	}
	if entryPoints[name] {
		b.Entries[name] = true
	}
}

func (b *blueprint) readMetadata(customs []module.Custom) {
	b.Metadata = map[string]Metadata{}
	for _, c := range customs {
		if name, ok := strings.CutPrefix(c.Name, "icp:public "); ok {
			b.Metadata[name] = Metadata{Public: true, Value: bytes.Clone(c.Bytes)}
		}
		if name, ok := strings.CutPrefix(c.Name, "icp:private "); ok {
			b.Metadata[name] = Metadata{Value: bytes.Clone(c.Bytes)}
		}
	}
}
