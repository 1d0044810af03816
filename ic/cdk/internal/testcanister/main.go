// Command testcanister is what the tests of package cdktest run on Wasm: a method for
// every rule of awaiting and for every way to break one. Arguments and replies are plain
// text, not Candid. It is built for wasip1 and linked by ic/wasm.
package main

import (
	"errors"
	"fmt"
	"runtime"
	"strconv"
	"strings"
	"sync"
	"time"

	"assay/ic/candid"
	"assay/ic/cdk"
	"assay/ic/principal"
)

func init() { cdk.Serve(program()) }

func main() {}

type handler = func(m *cdk.Message, arg []byte) ([]byte, error)

// note keeps a line in stable memory.
func note(format string, args ...any) {
	log := cdk.Map(20)
	key := fmt.Appendf(nil, "%04d", log.Len())
	if err := log.Put(key, fmt.Appendf(nil, format, args...)); err != nil {
		panic(err)
	}
}

func notes(*cdk.Message, []byte) ([]byte, error) {
	var out []string
	cdk.Map(20).Scan(nil, func(_, v []byte) bool { out = append(out, string(v)); return true })
	return []byte(strings.Join(out, "|")), nil
}

// callee is the canister that the argument's first word names; it is asked the rest.
func callee(arg []byte) cdk.Call {
	to, rest, _ := strings.Cut(string(arg), " ")
	p, err := principal.Parse(to)
	if err != nil {
		panic(err)
	}
	return cdk.Call{To: p, Method: "answer", Arg: []byte(rest), Note: []byte(rest)}
}

func program() cdk.Program {
	p := cdk.Program{
		PostUpgrade: func(*cdk.Message, []byte) error { note("upgraded"); return nil },
		Orphan: func(m *cdk.Message, i cdk.Intent, o cdk.Outcome) {
			if i.Origin == "script" {
				scriptOrphan(i, o)
				return
			}
			note("orphan %s %s %q %v %v", i.Origin, i.Note, o.Reply, o.Err != nil, o.Lost)
		},
		Tasks: map[string]cdk.Task{
			"tick": func(m *cdk.Message) error { note("tick"); return nil },
			"trap": func(m *cdk.Message) error { note("lost"); panic("a task that traps") },
		},
	}
	for name, h := range updates {
		p.Methods = append(p.Methods, candid.Method[*cdk.Message]{Name: name, Handle: h})
	}
	for name, h := range map[string]handler{"notes": notes, "witness": witness, "sleepy_query": sleep, "count": count, "counters": counters} {
		p.Methods = append(p.Methods, candid.Method[*cdk.Message]{Name: name, Kind: candid.Query, Handle: h})
	}
	p.Methods = append(p.Methods, candid.Method[*cdk.Message]{Name: "compose", Kind: candid.CompositeQuery, Handle: two},
		candid.Method[*cdk.Message]{Name: "compose_broken", Kind: candid.CompositeQuery, Handle: broken})
	return p
}

var (
	heap   int // on the Go heap: a trap must undo it
	lock   sync.Mutex
	kept   *cdk.Message
	leaf   = [][]byte{[]byte("receipts"), []byte("1")}
	memory [][]byte
	free   bool // spin may end
)

var updates = map[string]handler{
	"echo":    func(m *cdk.Message, arg []byte) ([]byte, error) { return arg, nil },
	"inc":     func(*cdk.Message, []byte) ([]byte, error) { heap++; return fmt.Append(nil, heap), nil },
	"relay":   relay,
	"script":  script,
	"probe":   probe,
	"fail":    func(*cdk.Message, []byte) ([]byte, error) { return nil, errors.New("no") },
	"busy":    func(*cdk.Message, []byte) ([]byte, error) { return nil, cdk.Retryable(errors.New("busy")) },
	"two":     two,
	"late":    late,
	"lock":    locked,
	"keep":    func(m *cdk.Message, arg []byte) ([]byte, error) { kept = m; return relay(m, arg) },
	"foreign": foreign,
	"broken":  broken,
	"certify": func(m *cdk.Message, arg []byte) ([]byte, error) { return nil, cdk.Certified(m).Put(leaf, arg) },
	"plan": func(m *cdk.Message, _ []byte) ([]byte, error) {
		return nil, errors.Join(m.After(1e9, "trap"), m.After(1e9, "tick"), m.Every(10e9, "tick"))
	},
	"cost":    cost,
	"garbage": garbage,
	"answer":  func(m *cdk.Message, arg []byte) ([]byte, error) { return append([]byte("answer to "), arg...), nil },
	"random":  func(m *cdk.Message, _ []byte) ([]byte, error) { return m.RandomBytes() },
	"put":     func(_ *cdk.Message, arg []byte) ([]byte, error) { return nil, cdk.Map(21).Put(arg, arg) },

	"spin":    spin,
	"release": func(*cdk.Message, []byte) ([]byte, error) { free = true; return nil, nil },
	"relay_spin": func(m *cdk.Message, arg []byte) ([]byte, error) {
		c := callee(arg)
		c.Method = "spin"
		return m.Call(c)
	},
	"bounded": func(m *cdk.Message, arg []byte) ([]byte, error) {
		c := callee(arg)
		c.Method, c.Timeout = "spin", 2
		reply, err := m.Call(c)
		return fmt.Appendf(nil, "%s %v", reply, err), nil
	},

	// Each of these leaves a goroutine that has neither finished nor is in a call.
	"sleep":   sleep,
	"blocked": func(*cdk.Message, []byte) ([]byte, error) { heap++; go func() { <-make(chan int) }(); return nil, nil },
	"endless": func(*cdk.Message, []byte) ([]byte, error) {
		go func() {
			for {
				runtime.Gosched()
			}
		}()
		return nil, nil
	},
	"goexit": func(*cdk.Message, []byte) ([]byte, error) { runtime.Goexit(); return nil, nil },
	// This one ends by itself after a while.
	"yields": func(*cdk.Message, []byte) ([]byte, error) {
		go func() {
			for range 50 {
				runtime.Gosched()
			}
			heap += 100
		}()
		return nil, nil
	},
}

func relay(m *cdk.Message, arg []byte) ([]byte, error) {
	took, err := m.Accept(m.CyclesAvailable())
	if err != nil {
		return nil, err
	}
	reply, err := m.Call(callee(arg))
	return fmt.Appendf(nil, "%s took %s", reply, took), err
}

func two(m *cdk.Message, arg []byte) ([]byte, error) {
	a, b := callee(arg), callee(arg)
	b.Arg = append(b.Arg, '2')
	var out []string
	for _, o := range cdk.All(m, a, b) {
		out = append(out, fmt.Sprintf("%s %v", o.Reply, o.Err))
	}
	return []byte(strings.Join(out, ";")), nil
}

// late replies from a goroutine that outlives the handler's return.
func late(m *cdk.Message, arg []byte) ([]byte, error) {
	go func() {
		reply, err := m.Call(callee(arg))
		note("late %s %v %v", reply, err, m.Reply([]byte("late "+string(reply))))
	}()
	reply, err := m.Call(callee(arg))
	return append([]byte("handler "), reply...), err
}

// locked holds a lock over a call.
func locked(m *cdk.Message, arg []byte) ([]byte, error) {
	lock.Lock()
	defer lock.Unlock()
	return relay(m, arg)
}

// foreign uses another message's handle.
func foreign(m *cdk.Message, arg []byte) ([]byte, error) {
	_, call := kept.Call(callee(arg))
	_, accept := kept.Accept(candid.NewNat(1))
	for _, err := range []error{call, accept, kept.Reply(nil), kept.Reject(""), kept.After(0, "tick")} {
		if !errors.Is(err, cdk.ErrForeign) {
			return nil, fmt.Errorf("got %w", err)
		}
	}
	return nil, nil
}

// broken traps after its call; what its deferred code tries then is noted.
func broken(m *cdk.Message, arg []byte) ([]byte, error) {
	lock.Lock()
	defer lock.Unlock()
	defer func() {
		_, call := m.Call(callee(arg))
		_, accept := m.Accept(candid.NewNat(1))
		note("cleanup: %v, %v, %v, %v", call, accept, m.Reply(nil), m.Reject(""))
	}()
	reply, err := m.Call(callee(arg))
	note("undone %s %v", reply, err)
	panic("after the call")
}

// spin does not answer before it is released.
func spin(m *cdk.Message, _ []byte) ([]byte, error) {
	for !free {
		if _, err := m.Call(cdk.Call{To: m.Self(), Method: "echo"}); err != nil {
			return nil, err
		}
	}
	return []byte("released"), nil
}

// probe calls a method and says how that ended. The argument is callee, method, timeout
// in seconds, cycles, and anything for an argument that is too long.
func probe(m *cdk.Message, arg []byte) ([]byte, error) {
	words := strings.Fields(string(arg))
	c := callee([]byte(words[0]))
	c.Method = words[1]
	seconds, _ := strconv.ParseUint(words[2], 10, 32)
	attached, _ := strconv.ParseUint(words[3], 10, 64)
	if c.Timeout, c.Cycles = uint32(seconds), candid.NewNat(attached); len(words) > 4 {
		c.Arg = make([]byte, 3<<20)
	}
	_, err := m.Call(c)
	var e *cdk.CallError
	if !errors.As(err, &e) {
		return []byte("none"), err
	}
	happened := [...]string{cdk.Unknown: "unknown", cdk.No: "no", cdk.Yes: "yes"}[e.Happened()]
	return fmt.Appendf(nil, "%s sent %v happened %s retry %v: %s", e.Code, e.Sent, happened, e.Retry(), e.Message), nil
}

func sleep(*cdk.Message, []byte) ([]byte, error) {
	time.Sleep(time.Second) //cdk:sleeps the tests want to see it trap
	return nil, nil
}

// cost is what operations on a map of 2,000 entries and on the certified tree take, in
// instructions each.
func cost(m *cdk.Message, _ []byte) ([]byte, error) {
	kv, tree := cdk.Map(22), cdk.Certified(m)
	key := func(i int) []byte { return fmt.Appendf(nil, "key %06d", i*7919%2000) }
	keys := make([][]byte, 2000)
	for i := range keys {
		keys[i] = key(i)
	}
	value := make([]byte, 100)
	var out []byte
	measure := func(name string, f func(k []byte)) {
		before := m.Instructions()
		for _, k := range keys[:500] {
			f(k)
		}
		out = fmt.Appendf(out, "%s %d;", name, (m.Instructions()-before)/500)
	}
	must := func(err error) {
		if err != nil {
			panic(err)
		}
	}
	for _, k := range keys {
		must(kv.Put(k, value))
	}
	measure("get", func(k []byte) { kv.Get(k) })
	measure("replace", func(k []byte) { must(kv.Put(k, value)) })
	measure("delete", func(k []byte) { kv.Delete(k) })
	measure("insert", func(k []byte) { must(kv.Put(k, value)) })
	measure("certify", func(k []byte) { must(tree.Put([][]byte{leaf[0], k}, value[:32])) })
	measure("witness", func(k []byte) { _, err := tree.Witness([][]byte{leaf[0], k}); must(err) })
	return out, nil
}

// garbage allocates 1 MB and keeps the last.
func garbage(*cdk.Message, []byte) ([]byte, error) {
	memory = memory[:0]
	for range 16 {
		memory = append(memory, make([]byte, 1<<16))
	}
	return nil, nil
}

// count is how many goroutines there are beside the message's own two, and the heap value.
func count(*cdk.Message, []byte) ([]byte, error) {
	return fmt.Append(nil, runtime.NumGoroutine(), " ", heap), nil
}

func witness(m *cdk.Message, _ []byte) ([]byte, error) {
	certificate, ok := m.DataCertificate()
	if !ok {
		return nil, errors.New("no certificate")
	}
	w, err := cdk.Certified(m).Witness(leaf)
	return append(append(certificate, '|'), w...), err
}
