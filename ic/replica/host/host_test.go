package host_test

import (
	"bytes"
	"encoding/binary"
	"errors"
	"strings"
	"testing"

	"assay/ic/principal"
	"assay/ic/replica/cycles"
	"assay/ic/replica/host"
	"assay/ic/replica/replicatest"
	"assay/ic/wasm/module"
)

type program = replicatest.Program

// bench is one instance with its stable memory.
type bench struct {
	t        testing.TB
	engine   *host.Engine
	module   *host.Module
	instance *host.Instance
	stable   *host.Stable
}

func newBench(t testing.TB) *bench {
	t.Helper()
	e, err := host.NewEngine(t.Context(), "")
	if err != nil {
		t.Fatal(err)
	}
	b := &bench{t: t, engine: e, stable: host.NewStable(100)}
	if b.module, err = e.Compile(t.Context(), replicatest.Plain()); err != nil {
		t.Fatal(err)
	}
	if b.instance, err = b.module.Instantiate(t.Context()); err != nil {
		t.Fatal(err)
	}
	return b
}

func input(arg []byte) *host.Input {
	return &host.Input{
		Self: principal.Canister(1), Caller: principal.Anonymous, Arg: arg, Time: 7, Status: 1, Version: 3,
		Balance: cycles.New(1e15), Available: cycles.New(100), Prices: cycles.Prices{Nodes: 13}, Instructions: 1e9,
		Controller: func(p principal.Principal) bool { return p == principal.Anonymous },
		Room:       func(principal.Principal) int { return 2 },
		Frozen:     func(uint32, uint64) cycles.Amount { return cycles.New(1e9) },
		Touch:      cycles.TouchDirty,
	}
}

func (b *bench) run(where host.Context, entry string, p program) (*host.Execution, *host.Trap) {
	x := host.NewExecution(input(p))
	return x, x.Run(b.t.Context(), b.instance, b.stable, where, entry)
}

func (b *bench) update(p program) (*host.Execution, *host.Trap) {
	return b.run(host.Update, "canister_update run", p)
}

func (b *bench) reply(p program) []byte {
	b.t.Helper()
	x, trap := b.update(p)
	if trap != nil {
		b.t.Fatal(trap)
	}
	if x.Answer == nil {
		b.t.Fatal("no answer")
	}
	return x.Answer.Data
}

func u64(n uint64) []byte { return binary.LittleEndian.AppendUint64(nil, n) }

func TestTrapRollsBack(t *testing.T) {
	t.Parallel()
	b := newBench(t)
	change := program{}.Add(3, 5).AddGlobal(7).StableGrow(1).StableWrite(100, []byte("x"))
	look := program{}.AppendCell(3).AppendGlobal().AppendStableSize().Send()
	if _, trap := b.update(change); trap != nil {
		t.Fatal(trap)
	}
	b.instance.Commit()
	b.stable.Commit()
	want := b.reply(look)
	for name, p := range map[string]program{
		"in place":       change.Add(3, 1).Trap("no"),
		"after growing":  change.HeapGrow(10).Touch(6 << 16).Unreachable(),
		"by instruction": change.Forever(),
	} {
		if _, trap := b.update(p); trap == nil {
			t.Fatalf("%s: no trap", name)
		}
		b.stable.Rollback()
		if err := b.instance.Rollback(t.Context()); err != nil {
			t.Fatal(err)
		}
		if got := b.reply(look); !bytes.Equal(got, want) {
			t.Errorf("%s: state after rollback %x, want %x", name, got, want)
		}
		if got, want := b.instance.Pages(), uint32(4); got != want {
			t.Errorf("%s: %d heap pages, want %d", name, got, want)
		}
	}
}

func TestTrapCodes(t *testing.T) {
	t.Parallel()
	b := newBench(t)
	for _, row := range []struct {
		name  string
		where host.Context
		p     program
		code  string
		text  string
	}{
		{"unreachable", host.Update, program{}.Unreachable(), host.CodeTrapped, "unreachable"},
		{"trap", host.Update, program{}.Trap("why"), host.CodeCalledTrap, "why"},
		{"stable bounds", host.Update, program{}.StableWrite(0, []byte("x")), host.CodeTrapped, "stable memory out of bounds"},
		{"heap bounds", host.Update, program{}.Touch(0xfffffff0), host.CodeTrapped, "heap out of bounds"},
		{"limit", host.Update, program{}.Forever(), host.CodeInstructionLimit, "limit of 1000000000 instructions"},
		{"reply twice", host.Update, program{}.Reply(nil).Reply(nil), host.CodeContract, "already replied"},
		{"reply in a task", host.Task, program{}.Reply(nil), host.CodeContract, "cannot be executed in system task mode"},
		{"call in a query", host.PlainQuery, program{}.Call(replicatest.Call{}), host.CodeContract, "cannot be executed in non-replicated query mode"},
		{"certificate in an update", host.Update, program{}.AppendCertificate(), host.CodeContract, "cannot be executed"},
		{"no certificate", host.PlainQuery, program{}.AppendCertificate(), host.CodeContract, "no data certificate"},
		{"certified data too long", host.Update, program{}.Certify(make([]byte, 33)), host.CodeContract, "no larger than 32 bytes. Found 33"},
		{"attach too much", host.Update, program{}.Call(replicatest.Call{Cycles: 1e18}), host.CodeContract, "cannot attach"},
		{"time in start", host.Start, program{}.AppendTime(), host.CodeContract, "in start mode"},
	} {
		_, trap := b.run(row.where, "canister_update run", row.p)
		if row.where == host.Start { // the program itself cannot be read there
			row.text = "start mode"
		}
		if trap == nil || trap.Code != row.code || !strings.Contains(trap.Message, row.text) {
			t.Errorf("%s: got %+v, want %s with %q", row.name, trap, row.code, row.text)
		}
		b.stable.Rollback()
		if err := b.instance.Rollback(t.Context()); err != nil {
			t.Fatal(err)
		}
	}
}

func TestCyclesAndCalls(t *testing.T) {
	t.Parallel()
	b := newBench(t)
	to := principal.Canister(9)
	call := replicatest.Call{To: to, Arg: []byte("hello"), Cycles: 1000, Timeout: 999, OnReply: program{}.Reply(nil), OnCleanup: program{}}
	x, trap := b.update(program{}.Accept(60).Burn(10).Call(call).Call(call).Call(call).AppendPerformed().Send())
	if trap != nil {
		t.Fatal(trap)
	}
	if got := binary.LittleEndian.Uint32(x.Answer.Data); got != 2 {
		t.Errorf("third call to a canister with room for two performed with %d, want 2", got)
	}
	if len(x.Calls) != 2 {
		t.Fatalf("%d calls left, want 2", len(x.Calls))
	}
	c := x.Calls[0]
	if c.Callee != to || c.Method != "run" || string(c.Arg) != "hello" || c.Cycles != cycles.New(1000) || c.Timeout != host.MaxCallWait || !c.HasCleanup || c.OnReply.Slot != 1 {
		t.Errorf("call is %+v", c)
	}
	want := cycles.New(1e15 + 60 - 10 - 2*1000).Sub(c.Cost.Total().Times(2))
	if x.Balance != want || x.Accepted != cycles.New(60) || x.Burned != cycles.New(10) {
		t.Errorf("balance %v accepted %v burned %v, want balance %v", x.Balance, x.Accepted, x.Burned, want)
	}
}

func TestCallbackSlots(t *testing.T) {
	t.Parallel()
	b := newBench(t)
	for slot, want := range map[uint32]string{0: "function 0", 2: "type mismatch", 99: "function 99"} {
		x := host.NewExecution(input(nil))
		trap := x.RunCallback(t.Context(), b.instance, b.stable, host.Reply, host.Callback{Slot: slot})
		if trap == nil || trap.Code != host.CodeNoFunction || !strings.Contains(trap.Message, want) {
			t.Errorf("slot %d: got %v, want %q", slot, trap, want)
		}
	}
}

func TestResumeGoesOn(t *testing.T) {
	t.Parallel()
	b := newBench(t)
	if _, trap := b.update(program{}.Add(1, 42).AddGlobal(1).HeapGrow(3)); trap != nil {
		t.Fatal(trap)
	}
	b.instance.Commit()
	image, err := b.instance.Image()
	if err != nil {
		t.Fatal(err)
	}
	resumed, err := b.module.Resume(t.Context(), image)
	if err != nil {
		t.Fatal(err)
	}
	b.instance = resumed
	if got, want := b.reply(program{}.AppendCell(1).AppendGlobal().Send()), append(u64(42), u64(1)...); !bytes.Equal(got, want) {
		t.Errorf("got %x, want %x", got, want)
	}
	if _, err := b.module.Resume(t.Context(), host.Image{Heap: make([]byte, host.WasmPage)}); err == nil {
		t.Error("an image of another module was taken")
	}
}

func TestInstructionsRepeat(t *testing.T) {
	t.Parallel()
	b := newBench(t)
	p := program{}.Spin(1000).AppendCounter().Send()
	first, trap := b.update(p)
	if trap != nil {
		t.Fatal(trap)
	}
	if err := b.instance.Rollback(t.Context()); err != nil {
		t.Fatal(err)
	}
	second, _ := b.update(p)
	if first.Used != second.Used || !bytes.Equal(first.Answer.Data, second.Answer.Data) {
		t.Errorf("%d then %d instructions", first.Used, second.Used)
	}
	if counter := binary.LittleEndian.Uint64(first.Answer.Data); counter == 0 || counter >= first.Used {
		t.Errorf("performance counter %d of %d instructions", counter, first.Used)
	}
}

func TestRefusedModules(t *testing.T) {
	t.Parallel()
	b := newBench(t)
	unit := module.FuncType{}
	with := func(change func(*module.Module)) []byte {
		m := &module.Module{}
		f := m.AddFunc(unit, (&module.Code{}).Body())
		m.Exports = []module.Export{{Name: "canister_update a", Kind: module.KindFunc, Index: f}}
		change(m)
		return m.Encode()
	}
	imp := func(mod, name string, typ module.FuncType) func(*module.Module) {
		return func(m *module.Module) {
			m.Imports = []module.Import{{Module: mod, Name: name, Kind: module.KindFunc, Func: m.TypeIndex(typ)}}
			m.Exports = nil
		}
	}
	for name, row := range map[string]struct {
		wasm []byte
		want string
	}{
		"noise":          {[]byte("hello"), "not a WebAssembly"},
		"broken gzip":    {[]byte{0x1f, 0x8b, 8, 0}, "unpack gzip"},
		"wasi":           {with(imp("wasi_snapshot_preview1", "fd_write", unit)), "only functions of module ic0"},
		"unknown call":   {with(imp("ic0", "launch", unit)), "launch"},
		"wrong type":     {with(imp("ic0", "time", unit)), "time"},
		"method twice":   {with(func(m *module.Module) { m.Exports = append(m.Exports, module.Export{Name: "canister_query a"}) }), "(method)"},
		"unknown export": {with(func(m *module.Module) { m.Exports = append(m.Exports, module.Export{Name: "canister_lunch"}) }), "canister_lunch"},
	} {
		_, err := b.engine.Compile(t.Context(), row.wasm)
		var wrong *host.ModuleError
		if !errors.As(err, &wrong) || !strings.Contains(err.Error(), row.want) {
			t.Errorf("%s: got %v, want %q", name, err, row.want)
		}
	}
}

// A query on a view sees what is committed, whatever runs on the original, and leaves
// nothing.
func TestViewSeesCommitted(t *testing.T) {
	t.Parallel()
	b := newBench(t)
	read := program{}.AppendCell(1).AppendGlobal().AppendStableSize().AppendStable(0, 1).Send()
	change := program{}.Add(1, 5).AddGlobal(1).StableWrite(0, []byte{9})
	commit := func(p program) {
		t.Helper()
		if _, trap := b.update(p); trap != nil {
			t.Fatal(trap)
		}
		b.instance.Commit()
		b.stable.Commit()
	}
	view, stable := b.instance.View(), b.stable.View()
	query := func(p program) []byte {
		t.Helper()
		stable.Rollback()
		x := host.NewExecution(input(p))
		if trap := x.Run(t.Context(), view, stable, host.PlainQuery, "canister_query read"); trap != nil {
			t.Fatal(trap)
		}
		stable.Rollback()
		if err := view.Rollback(t.Context()); err != nil {
			t.Fatal(err)
		}
		return x.Answer.Data
	}
	state := func(cell, global, size uint64, first byte) []byte {
		return append(append(append(u64(cell), u64(global)...), u64(size)...), first)
	}
	commit(program{}.StableGrow(1).Add(1, 2))
	for n := range uint64(3) {
		want := state(2+n*5, n, 1, 9*byte(min(n, 1)))
		if _, trap := b.update(change.HeapGrow(uint32(n))); trap != nil {
			t.Fatal(trap)
		}
		if got := query(change.HeapGrow(5).Send()); len(got) != 0 {
			t.Errorf("round %d: the first query said %x", n, got)
		}
		if got := query(read); !bytes.Equal(got, want) {
			t.Errorf("round %d: a query beside an update sees %x, want %x", n, got, want)
		}
		b.instance.Commit()
		b.stable.Commit()
	}
	if got, want := query(read), state(17, 3, 1, 9); !bytes.Equal(got, want) {
		t.Errorf("after all: %x, want %x", got, want)
	}
	if err := view.Close(t.Context()); err != nil {
		t.Fatal(err)
	}
	if got, want := b.reply(read), state(17, 3, 1, 9); !bytes.Equal(got, want) {
		t.Errorf("the original without its view: %x, want %x", got, want)
	}
}
