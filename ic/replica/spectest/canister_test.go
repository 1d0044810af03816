package spectest_test

import (
	"encoding/binary"

	"assay/ic/identity"
	"assay/ic/principal"
	"assay/ic/replica/replicatest"
)

type (
	program = replicatest.Program
	call    = replicatest.Call
	options = replicatest.Options
)

// Short names for what programs are made of.
var (
	do   = program{} // an empty program to begin with
	of   = replicatest.Of
	blob = replicatest.Blob
	wide = replicatest.Wide
	cell = replicatest.Cell
)

// trillion cycles.
const trillion = 1_000_000_000_000

var anyID = principal.Canister(0)

// create makes a canister without code.
func (w *world) create(settings ...any) principal.Principal {
	w.Helper()
	return w.createAs(owner, 100*trillion, settings...)
}

func (w *world) createAs(sender identity.Identity, cycles uint64, settings ...any) principal.Principal {
	w.Helper()
	return w.created(w.manage(sender, "provisional_create_canister_with_cycles", anyID, "amount", cycles, "settings", fields(settings...)))
}

func (w *world) created(o outcome) principal.Principal {
	w.Helper()
	return o.result("create_canister").at("canister_id").principal()
}

func (v value) principal() principal.Principal {
	v.w.Helper()
	list := value{v.w, candidOf([]any{v.v})}
	return list.principals()[0]
}

// install installs a module; mode is install, reinstall, upgrade or keep.
func (w *world) install(mode string, c principal.Principal, wasm []byte, arg []byte) outcome {
	w.Helper()
	return w.installAs(owner, mode, c, wasm, arg)
}

func (w *world) installAs(sender identity.Identity, mode string, c principal.Principal, wasm []byte, arg []byte) outcome {
	w.Helper()
	return w.manage(sender, "install_code", c, "mode", tag(mode), "wasm_module", wasm, "arg", append([]byte{}, arg...))
}

// canister is a new one with the test module, after its init ran these programs.
func (w *world) canister(init ...program) principal.Principal {
	w.Helper()
	return w.canisterWith(options{}, init...)
}

func (w *world) canisterWith(o options, init ...program) principal.Principal {
	w.Helper()
	c := w.create()
	w.load(c, replicatest.Wasm(o), init...)
	return c
}

// load installs a module into an empty canister.
func (w *world) load(c principal.Principal, wasm []byte, init ...program) {
	w.Helper()
	var arg program
	for _, p := range init {
		arg = append(arg, p...)
	}
	w.install("install", c, wasm, arg).replied()
}

// update runs a program as an update of the owner.
func (w *world) update(c principal.Principal, p program) outcome {
	w.Helper()
	return w.call(owner, c, c, "run", p)
}

// read runs a program as a query.
func (w *world) ask(c principal.Principal, p program) outcome {
	w.Helper()
	return w.query(owner, c, c, "read", p)
}

// composite runs a program as a composite query.
func (w *world) composite(c principal.Principal, p program) outcome {
	w.Helper()
	return w.query(owner, c, c, "ask", p)
}

// cell reads a cell of the heap.
func (w *world) cell(c principal.Principal, n uint32) uint64 {
	w.Helper()
	return w.ask(c, do.Put(cell(n)).Send()).number()
}

// status is canister_status, asked by the owner.
func (w *world) statusOf(c principal.Principal) value {
	w.Helper()
	return w.manage(owner, "canister_status", c).result("canister_status")
}

// set changes settings.
func (w *world) set(c principal.Principal, settings ...any) outcome {
	w.Helper()
	return w.manage(owner, "update_settings", c, "settings", fields(settings...))
}

// tick lets a round pass.
func (w *world) tick() {
	w.Helper()
	w.clockOnce.Do(func() { w.clock = w.create() })
	w.manage(owner, "provisional_top_up_canister", w.clock, "amount", 1).replied()
}

// until lets rounds pass until something is so.
func (w *world) until(what string, so func() bool) {
	w.Helper()
	for range 100 {
		if so() {
			return
		}
		w.tick()
	}
	w.Fatalf("%s: %s does not happen", w.section, what)
}

// hold is a canister that answers nobody until it is let go: it controls itself and
// stops itself, which waits for the very call that asks for it.
type hold struct {
	w  *world
	id principal.Principal
}

func (w *world) hold() hold {
	w.Helper()
	c := w.create()
	w.load(c, replicatest.Plain())
	w.set(c, "controllers", []principal.Principal{owner.Sender(), c}).replied()
	return hold{w, c}
}

// call is what another canister does to have a call open. When the stop ends by its
// timeout the hold stops itself again, a few times.
func (h hold) call(more call) call {
	stop := call{
		To: principal.Management, Method: "stop_canister", Arg: argument("stop_canister", "canister_id", h.id),
		OnReply: do.Reply([]byte("stopped")), OnReject: do.Reply([]byte("released")),
	}
	for range 3 {
		stop.OnReject = do.If(replicatest.Equal(of("msg_reject_code"), transient), do.Call(stop), do.Reply([]byte("released")))
	}
	more.To, more.Arg = h.id, do.Call(stop)
	return more
}

// release lets the call be answered.
func (h hold) release() {
	h.w.Helper()
	h.w.manage(owner, "start_canister", h.id).replied()
}

// More short names.
var (
	at       = replicatest.At
	kept     = replicatest.Kept
	plain    = replicatest.Plain
	heapSize = replicatest.MemorySize
	sum      = replicatest.Sum
)

// le is a number as programs put it into replies.
func le(n uint64) string { return string(binary.LittleEndian.AppendUint64(nil, n)) }

// relay makes a call and answers with its reply, or with a number, the reject code,
// and the reject's text.
func relay(c call) program {
	c.OnReply = do.Give(blob("msg_arg_data")).Send()
	c.OnReject = do.Put(of("msg_reject_code")).Give(blob("msg_reject_msg")).Send()
	return do.Call(c)
}

// friend is a canister for others to call; what it keeps does not matter.
func (w *world) friend() principal.Principal {
	w.Helper()
	w.friendOnce.Do(func() { w.friendly = w.canister() })
	return w.friendly
}

var assemble = replicatest.Wasm

var (
	less  = replicatest.Less
	equal = replicatest.Equal
)
