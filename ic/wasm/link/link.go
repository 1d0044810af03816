// Package link turns the output of Go's wasip1 port into a canister.
//
// Package ic/wasm/build calls it on what
//
//	GOOS=wasip1 GOARCH=wasm go build -buildmode=c-shared
//
// wrote. The result imports only ic0: every WASI function becomes a few instructions
// of its own, and hand-written kernels that Go code imports are merged. Each method of the Candid service becomes an export that calls one of
// the kit's three entry points with the Candid hash of its name, the kit's callbacks
// get fixed places in the function table, and neighbouring data segments are joined.
// [Accept] holds the network's rules for installing; [Link] ends with it, and the
// local network applies it to modules from elsewhere.
package link

import (
	"errors"
	"fmt"
	"sort"
	"strings"

	"assay/ic/wasm/module"
)

// Kind says how a method is called.
type Kind byte

// The kinds of methods.
const (
	Update Kind = iota
	Query
	CompositeQuery
)

// kit names the exported function that handles all methods of a kind, by [Kind].
var kit = [...]string{"cdk_update", "cdk_query", "cdk_composite_query"}

// Method is one method of the canister's service.
type Method struct {
	Name string
	Kind Kind
}

// Options say what to link. The zero value makes a canister without methods.
type Options struct {
	Methods []Method
	// Candid is the service's description, stored as public metadata candid:service.
	Candid string
	// Metadata is stored after it, in this order.
	Metadata []Metadata
	// Kernels are the hand-written functions that Go code may import.
	Kernels []Kernels
}

// Metadata is a text that everybody can read from an installed canister by its name.
type Metadata struct{ Name, Text string }

// Table slots of the kit's callbacks. They are the same in every build, so a callback
// that is open during an upgrade finds its function in the new module.
const (
	ReplySlot   = 1
	RejectSlot  = 2
	CleanupSlot = 3
)

// TaskMethod is the update method in which the kit runs a canister's tasks, each as a
// call to itself. It is no part of the service, and exported in every canister whose
// module has the kit's callbacks.
const TaskMethod = "__assay_task"

// callbacks are the exports that go into the table, in the order of their slots.
var callbacks = [...]string{"cdk_reply", "cdk_reject", "cdk_cleanup"}

// segmentGap is how many zero bytes between two data segments are written out to join
// them. From 20 on Go's tens of thousands of segments become hundreds; each joined
// segment saves about 8 bytes.
const segmentGap = 24

// ErrNotLibrary is returned for a module without Go's _initialize and memory: it was
// not built with -buildmode=c-shared.
var ErrNotLibrary = errors.New("not a Go library module: build it with -buildmode=c-shared")

// Link makes a canister of Go's raw output. Errors are of the raw module's form, of
// missing entry points, or an [*AcceptError] about the result.
func Link(raw []byte, opt Options) ([]byte, error) {
	m, err := module.Parse(raw)
	if err != nil {
		return nil, fmt.Errorf("link: %w", err)
	}
	if err := m.CheckIndices(); err != nil {
		return nil, fmt.Errorf("link: %w", err)
	}
	l := &linker{m: m}
	for _, step := range []func(Options) error{l.imports, l.exports, l.datas, l.custom} {
		if err := step(opt); err != nil {
			return nil, fmt.Errorf("link: %w", err)
		}
	}
	if err := Accept(m); err != nil {
		return nil, fmt.Errorf("link: %w", err)
	}
	return m.Encode(), nil
}

type linker struct {
	m       *module.Module
	poly    polyfill
	kernels *kernels
}

// imports replaces the import list by system calls and gives every WASI import and kernel
// a body.
func (l *linker) imports(opt Options) error {
	m := l.m
	var err error
	if l.kernels, err = newKernels(opt.Kernels); err != nil {
		return err
	}
	if m.Start != nil {
		return errors.New("the module has a start function")
	}
	old := m.Imports
	var kept []module.Import
	index := map[string]uint32{}
	system := func(name string) (uint32, error) {
		if i, ok := index[name]; ok {
			return i, nil
		}
		t, ok := systemTypes[name]
		if !ok {
			return 0, refuse(RuleImport, "ic0.%s is not a system call", name)
		}
		index[name] = uint32(len(kept))
		kept = append(kept, module.Import{Module: "ic0", Name: name, Kind: module.KindFunc, Func: m.TypeIndex(t)})
		return index[name], nil
	}
	for _, im := range old {
		if im.Module != "ic0" {
			continue
		}
		if _, err := system(im.Name); err != nil {
			return err
		}
		if t := m.Types[im.Func]; !t.Equal(systemTypes[im.Name]) {
			return refuse(RuleImport, "ic0.%s has type %s, want %s", im.Name, t, systemTypes[im.Name])
		}
	}
	for _, need := range []struct {
		name string
		f    *uint32
	}{{"time", &l.poly.time}, {"trap", &l.poly.trap}, {"debug_print", &l.poly.print}} {
		if *need.f, err = system(need.name); err != nil {
			return err
		}
	}
	return l.replace(old, kept, index)
}

// replace renumbers functions for the new import list and appends the polyfills.
func (l *linker) replace(old, kept []module.Import, index map[string]uint32) error {
	m := l.m
	was, now := uint32(len(old)), uint32(len(kept))
	target := make([]uint32, was)
	local := now + uint32(len(m.Funcs)) // the next function to append
	local += l.poly.declare(m, local)
	var wasi []module.Import
	var kernel []int // their places among old
	for i, im := range old {
		switch {
		case im.Kind != module.KindFunc:
			return refuse(RuleImport, "%s.%s is not a function", im.Module, im.Name)
		case im.Module == "ic0":
			target[i] = index[im.Name]
		case im.Module == "wasi_snapshot_preview1":
			target[i] = local + uint32(len(wasi))
			wasi = append(wasi, im)
		case im.Module == KernelModule:
			kernel = append(kernel, i)
		default:
			return refuse(RuleImport, "%s.%s: neither a system call nor WASI nor a kernel", im.Module, im.Name)
		}
	}
	local += uint32(len(wasi))
	for _, i := range kernel {
		k, err := l.kernels.choose(old[i].Name, m.Types[old[i].Func])
		if err != nil {
			return err
		}
		target[i] = local + k
	}
	abort, hasAbort := abortBody(m, was)
	m.Imports = kept
	err := m.MapFuncs(func(f uint32) uint32 {
		if f < was {
			return target[f]
		}
		return f - was + now
	})
	if err != nil {
		return err
	}
	l.poly.helpers(m)
	if hasAbort {
		m.Code[abort] = l.poly.lastWords()
	}
	for _, im := range wasi {
		b, err := l.poly.body(im.Name, m.Types[im.Func])
		if err != nil {
			return err
		}
		m.AddFunc(m.Types[im.Func], b)
	}
	return l.kernels.merge(m, local)
}

// abortBody is the place in Code of Go's runtime.abort, with which a library ends after
// a fatal error; false if m has no names.
func abortBody(m *module.Module, imports uint32) (uint32, bool) {
	f, ok := m.FuncNamed("runtime.abort")
	return f - imports, ok && f >= imports && uint64(f-imports) < uint64(len(m.Code))
}

// exports replaces the export list: memory, the entry points, the methods.
func (l *linker) exports(opt Options) error {
	m := l.m
	raw := map[string]module.Export{}
	for _, e := range m.Exports {
		raw[e.Name] = e
	}
	start, ok := raw["_initialize"]
	memory, hasMemory := raw["memory"]
	if !ok || start.Kind != module.KindFunc || !hasMemory || memory.Kind != module.KindMemory {
		return ErrNotLibrary
	}
	m.Exports = []module.Export{memory}
	for _, name := range entryNames() {
		e, present := raw[name]
		first := name == "canister_init" || name == "canister_post_upgrade"
		if !present && !first {
			continue
		}
		c := l.poly.enter()
		if first {
			c.Call(start.Index)
		}
		if present {
			if err := acceptEntry(m, e); err != nil {
				return err
			}
			c.Call(e.Index)
		}
		l.entry(name, c)
	}
	methods := append([]Method(nil), opt.Methods...)
	if _, ok := raw[callbacks[0]]; ok {
		methods = append(methods, Method{TaskMethod, Update})
	}
	if err := l.methods(raw, methods); err != nil {
		return err
	}
	return l.callbacks(raw)
}

func entryNames() []string {
	var names []string
	for name := range entryPoints {
		names = append(names, name)
	}
	sort.Strings(names)
	return names
}

// entry exports a function that runs c, which [polyfill.enter] began.
func (l *linker) entry(name string, c *module.Code) {
	f := l.m.AddFunc(module.FuncType{}, l.poly.leave(c))
	l.m.Exports = append(l.m.Exports, module.Export{Name: name, Kind: module.KindFunc, Index: f})
}

var oneInt = module.FuncType{Params: []module.ValType{module.I32}}

func (l *linker) methods(raw map[string]module.Export, methods []Method) error {
	sort.Slice(methods, func(i, j int) bool { return methods[i].Name < methods[j].Name })
	for i, method := range methods {
		if int(method.Kind) >= len(kit) {
			return fmt.Errorf("method %q: unknown kind %d", method.Name, method.Kind)
		}
		if i > 0 && methods[i-1].Name == method.Name {
			return refuse(RuleMethod, "method %q twice", method.Name)
		}
		f, err := l.kitFunc(raw, kit[method.Kind])
		if err != nil {
			return fmt.Errorf("method %q: %w", method.Name, err)
		}
		hash := int32(CandidHash(method.Name))
		l.entry(methodKinds[method.Kind]+method.Name, l.poly.enter().I32(hash).Call(f))
	}
	return nil
}

// kitFunc is the kit's exported function of that name, of type (i32)->().
func (l *linker) kitFunc(raw map[string]module.Export, name string) (uint32, error) {
	e, ok := raw[name]
	if !ok || e.Kind != module.KindFunc {
		return 0, fmt.Errorf("the module does not export %s", name)
	}
	if t, _ := l.m.TypeOf(e.Index); !t.Equal(oneInt) {
		return 0, fmt.Errorf("%s has type %s, want %s", name, t, oneInt)
	}
	return e.Index, nil
}

// callbacks puts the kit's callbacks into the table, all or none.
func (l *linker) callbacks(raw map[string]module.Export) error {
	present := 0
	for _, name := range callbacks {
		if _, ok := raw[name]; ok {
			present++
		}
	}
	if present == 0 {
		return nil
	}
	if err := l.slotsFree(); err != nil {
		return err
	}
	segment := module.Elem{Type: module.FuncRef, Offset: module.I32Const(ReplySlot)}
	for _, name := range callbacks {
		f, err := l.kitFunc(raw, name)
		if err != nil {
			return err
		}
		wrapper := l.m.AddFunc(oneInt, l.poly.leave(l.poly.enter().Get(0).Call(f)))
		segment.Funcs = append(segment.Funcs, wrapper)
	}
	l.m.Elems = append(l.m.Elems, segment)
	return nil
}

// slotsFree checks that the table has the callbacks' slots and nothing else in them.
// Go's own functions begin at slot 4096.
func (l *linker) slotsFree() error {
	m := l.m
	if len(m.Tables) != 1 || m.Tables[0].Type != module.FuncRef || m.Tables[0].Limits.Min <= CleanupSlot {
		return refuse(RuleTable, "one function table with more than %d slots is needed", CleanupSlot)
	}
	for i, e := range m.Elems {
		if e.Mode != module.Active {
			continue
		}
		if e.Offset.Op != module.OpI32Const {
			return refuse(RuleTable, "element segment %d has no constant offset", i)
		}
		if n := len(e.Funcs) + len(e.Exprs); n > 0 && uint32(e.Offset.Imm) <= CleanupSlot {
			return refuse(RuleTable, "element segment %d starts at slot %d, where callbacks belong", i, uint32(e.Offset.Imm))
		}
	}
	return nil
}

// custom keeps no custom section but public metadata.
func (l *linker) custom(opt Options) error {
	l.m.Customs = nil
	if opt.Candid != "" {
		l.public("candid:service", opt.Candid)
	}
	for _, d := range opt.Metadata {
		l.public(d.Name, d.Text)
	}
	return nil
}

func (l *linker) public(name, text string) {
	l.m.Customs = append(l.m.Customs, module.Custom{Name: "icp:public " + name, Bytes: []byte(text)})
}

// CandidHash is Candid's hash of a label: it names methods in the kit's entry points.
func CandidHash(label string) uint32 {
	var h uint32
	for i := range len(label) {
		h = h*223 + uint32(label[i])
	}
	return h
}

// Methods lists what a linked or foreign module exports as methods, in its order.
func Methods(m *module.Module) []Method {
	var out []Method
	for _, e := range m.Exports {
		for kind, prefix := range methodKinds {
			if name, ok := strings.CutPrefix(e.Name, prefix); ok {
				out = append(out, Method{Name: name, Kind: Kind(kind)})
			}
		}
	}
	return out
}
