package main

import (
	"errors"
	"fmt"
	"strconv"
	"strings"
	"sync"

	"assay/ic/candid"
	"assay/ic/cdk"
	"assay/ic/principal"
)

// script runs a handler that the argument describes: after the callee, one word each step.
//
//	+k  count k in stable memory and on the heap     $n  accept n cycles
//	cl  call, labelled l                             al  two calls at once, la and lb
//	gl  call from another goroutine, which counts    Gl  the same, and panics then
//	r   reply early                                  e   fail
//	l   hold a lock from here on                     t   panic
//	d   count d when the handler ends
//
// The package of tests has a model that says what must come of it.
func script(m *cdk.Message, arg []byte) ([]byte, error) {
	words := strings.Fields(string(arg))
	to, err := principal.Parse(words[0])
	if err != nil {
		return nil, err
	}
	s := &scripted{m: m, to: to}
	return s.run(words[1:])
}

type scripted struct {
	m  *cdk.Message
	to principal.Principal
}

var scriptLock sync.Mutex

func (s *scripted) run(steps []string) (out []byte, err error) {
	finished := false
	for _, step := range steps {
		rest := step[1:]
		switch step[0] {
		case '+':
			bump(rest)
		case '$':
			n, _ := strconv.ParseUint(rest, 10, 64)
			if _, err := s.m.Accept(candid.NewNat(n)); err != nil {
				panic(err)
			}
		case 'c', 'a':
			calls := []cdk.Call{s.call(rest)}
			if step[0] == 'a' {
				calls = []cdk.Call{s.call(rest + "a"), s.call(rest + "b")}
			}
			for i, o := range cdk.All(s.m, calls...) {
				out = fmt.Appendf(out, "%s=%s%v/%s;", calls[i].Note, o.Reply, said(o.Err), o.Refunded)
			}
		case 'g', 'G':
			go s.aside(rest, step[0] == 'G')
		case 'r':
			if err := s.m.Reply(append([]byte("early "), out...)); err != nil {
				panic(err)
			}
		case 'l':
			scriptLock.Lock()
			defer scriptLock.Unlock()
		case 'd':
			defer func() {
				if !finished {
					s.refused()
				}
				bump("d")
			}()
		case 't':
			panic("script trap")
		case 'e':
			finished = true
			return nil, errors.New("script error")
		}
	}
	finished = true
	return out, nil
}

func (s *scripted) call(label string) cdk.Call {
	return cdk.Call{To: s.to, Method: "answer", Arg: []byte(label), Note: []byte(label), Cycles: candid.NewNat(100)}
}

func (s *scripted) aside(label string, trap bool) {
	_, _ = s.m.Call(s.call(label))
	bump("g")
	if trap {
		panic("aside")
	}
}

// refused counts what a cleanup should not have been allowed to do.
func (s *scripted) refused() {
	_, call := s.m.Call(s.call("refused"))
	_, accept := s.m.Accept(candid.NewNat(1))
	for _, err := range []error{call, accept, s.m.Reply(nil)} {
		if !errors.Is(err, cdk.ErrCleanup) {
			bump("wrong")
		}
	}
}

func said(err error) string {
	var e *cdk.CallError
	if errors.As(err, &e) {
		return "!" + e.Message
	}
	return ""
}

// bump counts in both memories.
func bump(name string) {
	kv := cdk.Map(24)
	value, _ := kv.Get([]byte(name))
	n, _ := strconv.Atoi(string(value))
	if err := kv.Put([]byte(name), strconv.AppendInt(nil, int64(n)+1, 10)); err != nil {
		panic(err)
	}
	heap++
}

// scriptOrphan keeps what the hook is told of a script's call: l for lost with a trap, u
// for an upgrade, what came back and the refund.
func scriptOrphan(i cdk.Intent, o cdk.Outcome) {
	kv := cdk.Map(25)
	value, _ := kv.Get(i.Note)
	if value = append(value, 'u'); o.Lost {
		value[len(value)-1] = 'l'
	} else {
		value = fmt.Appendf(value, "%s%s/%s", o.Reply, said(o.Err), o.Refunded)
	}
	if err := kv.Put(i.Note, value); err != nil {
		panic(err)
	}
}

// counters are all counts, all that the hook was told, open intents and the heap.
func counters(m *cdk.Message, _ []byte) ([]byte, error) {
	var out []byte
	line := func(k, v []byte) bool { out = fmt.Appendf(out, "%s %s\n", k, v); return true }
	cdk.Map(24).Scan(nil, line)
	cdk.Map(25).Scan(nil, line)
	return fmt.Appendf(out, "intents %d\nheap %d\n", len(cdk.OpenIntents(m)), heap), nil
}
