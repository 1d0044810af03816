package cdk

import (
	"bytes"
	"encoding/binary"
	"errors"
	"fmt"
	"path"
	"runtime"
	"strings"

	"assay/ic/candid"
	"assay/ic/cdk/certified"
	"assay/ic/cdk/stable"
	"assay/ic/cdk/system"
	"assay/ic/principal"
)

const kitVersion = 1

var kitMagic = []byte("AKIT")

// Instance is a program on a host: the entry points that the host calls. On chain there
// is one, made by [Serve]; package cdktest makes as many as a test needs.
type Instance struct {
	sys        system.API
	program    Program
	methods    map[uint32]*method
	used       map[string]*Usage // by method or task, since the module started
	manager    *stable.Manager
	tree       *certified.Tree
	intents    *stable.Map
	tasks      *stable.Map
	maps       [256]*stable.Map // the canister's, by region
	generation uint16
	contexts   uint64 // call contexts that stored an intent in this generation
	slots      []*openCall
	free       []uint16
	open       map[principal.Principal]int // calls by callee
	gate       gate
	cur        current
	failure    string // why the message must trap, set by its goroutine
	armed      uint64 // what the timer is set to, 0 for off
}

// NewInstance is a program on a host.
func NewInstance(p Program, sys system.API) *Instance {
	in := &Instance{sys: sys, program: p, methods: p.table(), used: map[string]*Usage{}, open: map[principal.Principal]int{}}
	for _, m := range in.methods {
		m.usage = in.usage(m.Name)
	}
	return in
}

// layOut makes the kit's regions, or reads them and begins a new generation.
func (in *Instance) layOut(fresh bool) error {
	if fresh != (in.sys.StableSize() == 0) {
		return errors.New("stable memory must be empty at an installation and hold the kit's data at an upgrade")
	}
	if err := in.mount(); err != nil {
		return err
	}
	kit := in.manager.Region(regionKit)
	head := make([]byte, 16)
	if fresh {
		if err := kit.Grow(1); err != nil {
			return err
		}
		copy(head, kitMagic)
		head[4] = kitVersion
		in.generation = uint16(in.sys.Time() / 1e9) // another start for every reinstallation
	} else {
		if kit.Size() == 0 {
			return &stable.LayoutError{What: "kit magic AKIT, version 1", Found: "an empty region"}
		}
		kit.ReadAt(head, 0)
		if !bytes.Equal(head[:4], kitMagic) || head[4] != kitVersion {
			return &stable.LayoutError{What: "kit magic AKIT, version 1", Found: fmt.Sprintf("%q, %d", head[:4], head[4])}
		}
		in.generation = binary.LittleEndian.Uint16(head[6:]) + 1
	}
	binary.LittleEndian.PutUint16(head[6:], in.generation)
	kit.WriteAt(head, 0)
	return nil
}

// mount finds the kit's structures.
func (in *Instance) mount() (err error) {
	if in.manager, err = stable.Open(hostMemory(in.sys)); err != nil {
		return err
	}
	in.tree = certified.New(in.manager.Region(regionCertified))
	in.intents = stable.NewMap(in.manager.Region(regionIntents))
	in.tasks = stable.NewMap(in.manager.Region(regionTasks))
	in.maps = [256]*stable.Map{}
	return nil
}

// Init is canister_init.
func (in *Instance) Init() { in.start(true, in.program.Init) }

// PostUpgrade is canister_post_upgrade.
func (in *Instance) PostUpgrade() { in.start(false, in.program.PostUpgrade) }

func (in *Instance) start(fresh bool, f func(*Message, []byte) error) {
	collector()
	m := in.message("canister_init", kindStart)
	if !fresh {
		m.method = "canister_post_upgrade"
	}
	in.run(m, func() {
		err := in.layOut(fresh)
		if err == nil && !fresh {
			err = in.countIntents()
		}
		if err == nil && !fresh {
			in.restartTasks()
		}
		if err == nil && f != nil {
			err = f(m, in.sys.Arg())
		}
		if err != nil {
			in.fail(m.method + ": " + err.Error())
		}
	})
}

// Update is an update method, named by the hash of its name.
func (in *Instance) Update(hash uint32) {
	if hash == taskHash {
		in.runTask()
		return
	}
	in.method(hash, kindUpdate)
}

// Query is a query method.
func (in *Instance) Query(hash uint32) { in.method(hash, kindQuery) }

// CompositeQuery is a composite query method.
func (in *Instance) CompositeQuery(hash uint32) { in.method(hash, kindComposite) }

func (in *Instance) method(hash uint32, k kind) {
	method, ok := in.methods[hash]
	if !ok {
		in.sys.Trap(fmt.Appendf(nil, "no method of hash %d: the module was linked with another .did", hash))
	}
	m := in.message(method.Name, k)
	m.usage = method.usage
	in.run(m, func() {
		if err := method.guarded(m); err != nil {
			m.finish(nil, err)
			return
		}
		m.finish(method.Handle(m, in.sys.Arg()))
	})
}

// Inspect is canister_inspect_message. What is not accepted, the host drops: messages
// for methods that are not there or that outsiders may not call, those that a guard
// refuses, and those that the program's own hook does.
func (in *Instance) Inspect() {
	m := in.message(string(in.sys.MethodName()), kindInspect)
	in.run(m, func() {
		method, ok := in.methods[candid.FieldID(m.method)]
		if !ok || method.Name != m.method || method.guarded(m) != nil {
			return
		}
		if in.program.Inspect == nil || in.program.Inspect(m, m.method) == nil {
			in.sys.AcceptMessage()
		}
	})
}

// PreUpgrade is canister_pre_upgrade, which runs in the old module.
func (in *Instance) PreUpgrade() {
	m := in.message("canister_pre_upgrade", kindPreUpgrade)
	in.run(m, func() {
		if in.program.PreUpgrade == nil {
			return
		}
		if err := in.program.PreUpgrade(m); err != nil {
			in.fail(m.method + ": " + err.Error())
		}
	})
}

// Heartbeat is canister_heartbeat.
func (in *Instance) Heartbeat() {
	m := in.message("canister_heartbeat", kindTimer)
	m.usage = in.usage(m.method)
	in.run(m, func() {
		if in.program.Heartbeat == nil {
			return
		}
		if err := in.program.Heartbeat(m); err != nil {
			in.report(m, "heartbeat: "+err.Error())
		}
	})
}

// message is a handle for the message that the host is executing.
func (in *Instance) message(method string, k kind) *Message {
	m := &Message{in: in, method: method, kind: k}
	m.caller, _ = principal.FromBytes(in.sys.Caller())
	m.self, _ = principal.FromBytes(in.sys.Self())
	return m
}

// run executes body for m in a goroutine and returns when the message may end.
func (in *Instance) run(m *Message, body func()) {
	in.execute(m, func() { in.gate.start(m, func() { in.guard(m, body) }) })
}

// resume lets a parked goroutine of m go on; wake says how.
func (in *Instance) resume(m *Message, wake func()) { in.execute(m, wake) }

func (in *Instance) execute(m *Message, begin func()) {
	enter(in, m)
	defer leave(in)
	m.time = in.sys.Time()
	in.failure = ""
	var before [32]byte
	if m.cleanup {
		before = in.tree.Root()
	}
	in.gate.begin()
	begin()
	settled := in.gate.settle(&in.failure)
	if in.failure == "" && !settled {
		in.failure = m.method + ": a goroutine has neither finished nor is it parked in a call: it sleeps (time stands still in a message), waits for a lock or channel, or runs on; use cdk.All for parallel calls"
	}
	if in.failure != "" {
		in.sys.Trap([]byte(in.failure))
	}
	if m.cleanup && in.tree.Root() != before {
		in.armed = m.time // a cleanup may not set certified data; the timer's message does
	}
	in.conclude(m)
}

// conclude does what every message owes at its end.
func (in *Instance) conclude(m *Message) {
	switch m.kind {
	case kindQuery, kindComposite, kindInspect:
		return
	}
	if in.tree.Used() && !m.cleanup {
		root := in.tree.Root()
		in.sys.SetCertifiedData(root[:])
	}
	in.count(m)
	if m.kind != kindPreUpgrade {
		in.rearm(m)
	}
}

// guard turns a panic into a trap and finds a goroutine that ended in the middle.
func (in *Instance) guard(m *Message, body func()) {
	returned := false
	defer func() {
		if r := recover(); r != nil {
			in.fail(panicText(m.method, r))
		} else if !returned && !m.cleanup {
			in.fail(m.method + ": the handler ended its goroutine without returning")
		}
	}()
	body()
	returned = true
}

// report tells people what went wrong in a message that nobody waits for.
func (in *Instance) report(m *Message, text string) {
	in.sys.Print([]byte(text))
	m.Log(Warning, text)
}

// fail makes the message trap; the first reason stays.
func (in *Instance) fail(text string) {
	if in.failure == "" {
		in.failure = text
	}
}

// panicText names the method, the value and where the panic was.
func panicText(method string, r any) string {
	text := ""
	switch v := r.(type) {
	case error:
		text = v.Error()
	case string:
		text = v
	default:
		text = fmt.Sprint(r)
	}
	return "panic in " + method + ": " + text + panicPlace()
}

// panicPlace is the line that panicked: the first frame of the program above the
// runtime's own, on the stack that still stands while a deferred function recovers.
func panicPlace() string {
	pcs := make([]uintptr, 32)
	frames := runtime.CallersFrames(pcs[:runtime.Callers(2, pcs)])
	panicked := false
	for {
		f, more := frames.Next()
		switch {
		case f.Function == "runtime.gopanic":
			panicked = true
		case panicked && !strings.HasPrefix(f.Function, "runtime."):
			return fmt.Sprintf(" (%s:%d)", path.Base(f.File), f.Line)
		}
		if !more {
			return ""
		}
	}
}
