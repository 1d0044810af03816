package build_test

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"testing"

	"github.com/tetratelabs/wazero"
	"github.com/tetratelabs/wazero/api"
	"github.com/tetratelabs/wazero/experimental/table"

	"assay/ic/wasm/link"
	"assay/ic/wasm/meter"
	"assay/ic/wasm/module"
)

// host answers the few system calls of the test canister.
type host struct {
	t      *testing.T
	inst   api.Module
	arg    []byte
	reply  []byte
	sent   bool
	now    uint64
	prints []string
}

// trapped is the panic by which a system call ends a message.
type trapped string

func (e trapped) Error() string { return string(e) }

// compiled is shared and compiling guards it, so that parallel tests compile the
// module once.
var (
	compiled  = wazero.NewCompilationCache()
	compiling sync.Mutex
)

// start instantiates a module, metered, and calls nothing.
func start(t *testing.T, wasm []byte) *host {
	t.Helper()
	parsed, err := module.Parse(wasm)
	if err != nil {
		t.Fatal(err)
	}
	if err := link.Accept(parsed); err != nil {
		t.Fatal(err)
	}
	metered, err := meter.Instrument(parsed, meter.Config{})
	if err != nil {
		t.Fatal(err)
	}
	ctx := context.Background()
	r := wazero.NewRuntimeWithConfig(ctx, wazero.NewRuntimeConfig().WithCompilationCache(compiled))
	t.Cleanup(func() { r.Close(ctx) })
	h := &host{t: t, now: 1_700_000_000_000_000_000}
	b := r.NewHostModuleBuilder("ic0")
	add := func(name string, f any) { b.NewFunctionBuilder().WithFunc(f).Export(name) }
	add("time", func() uint64 { return h.now })
	add("debug_print", func(p, n uint32) { h.prints = append(h.prints, string(h.read(p, n))) })
	add("trap", func(p, n uint32) { panic(trapped(h.read(p, n))) })
	add("msg_arg_data_size", func() uint32 { return uint32(len(h.arg)) })
	add("msg_arg_data_copy", func(dst, off, n uint32) { h.inst.Memory().Write(dst, h.arg[off:off+n]) })
	add("msg_reply_data_append", func(p, n uint32) { h.reply = append(h.reply, h.read(p, n)...) })
	add("msg_reply", func() { h.sent = true })
	if _, err := b.Instantiate(ctx); err != nil {
		t.Fatal(err)
	}
	compiling.Lock()
	code, err := r.CompileModule(ctx, metered.Wasm)
	compiling.Unlock()
	if err != nil {
		t.Fatal(err)
	}
	h.inst, err = r.InstantiateModule(ctx, code, wazero.NewModuleConfig())
	if err != nil {
		t.Fatal(err)
	}
	return h
}

func (h *host) read(p, n uint32) []byte {
	b, ok := h.inst.Memory().Read(p, n)
	if !ok {
		h.t.Fatalf("read of %d bytes at %d", n, p)
	}
	return append([]byte(nil), b...)
}

// counter is the metered module's instruction counter.
func (h *host) counter() api.MutableGlobal {
	return h.inst.ExportedGlobal(meter.CounterExport).(api.MutableGlobal)
}

const limit = 40_000_000_000

// call runs an entry point and returns its reply, the trap text, and what it used.
func (h *host) call(entry string, arg string) (reply, trap string, used int64) {
	h.t.Helper()
	f := h.inst.ExportedFunction(entry)
	if f == nil {
		h.t.Fatalf("no export %q", entry)
	}
	return h.run(f, arg)
}

// callback runs a function of the table.
func (h *host) callback(slot, env uint32) (trap string) {
	h.t.Helper()
	f := table.LookupFunction(h.inst, 0, slot, []api.ValueType{api.ValueTypeI32}, nil)
	_, trap, _ = h.run(f, "", uint64(env))
	return trap
}

func (h *host) run(f api.Function, arg string, params ...uint64) (reply, trap string, used int64) {
	h.arg, h.reply, h.sent, h.prints = []byte(arg), nil, false, nil
	h.counter().Set(limit)
	_, err := f.Call(context.Background(), params...)
	used = limit - int64(h.counter().Get())
	var t trapped
	if errors.As(err, &t) {
		return "", string(t), used
	}
	if err != nil {
		return "", fmt.Sprintf("engine: %v", err), used
	}
	return string(h.reply), "", used
}
