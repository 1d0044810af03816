//go:build !wasip1

package cdktest_test

import (
	"fmt"
	"slices"
	"strconv"
	"strings"
)

// model is what the test canister's scripts must have done: a simple interpreter of the
// same words, without goroutines, Wasm or system calls.
type model struct {
	counts     map[string]int
	told       map[string]string // by label, what the hook heard
	heap       int
	locked     bool
	generation int
	open       map[string]*modelCall // by label
}

// request is one call to the script method.
type request struct {
	*callContext
	available int
	answer    string // rejects begin with "!"
	answered  bool
}

// thread is one goroutine of a request's handler.
type thread struct {
	*request
	steps   []string
	main    bool
	next    int
	out     string
	defers  int
	holds   bool
	waiting []string          // labels, in order
	came    map[string]string // outcomes by label
}

type modelCall struct {
	*thread
	generation int
}

func newModel() *model {
	return &model{counts: map[string]int{}, told: map[string]string{}, open: map[string]*modelCall{}}
}

// effect is what one message does if it does not trap.
type effect struct {
	counts   []string
	accepted int
	answer   string
	answered bool
	locks    int
	threads  []*thread // as they are afterwards
	trap     string
}

// begin runs the first message of a request; a trap answers it.
func (m *model) begin(r *request, steps []string) {
	e := m.message(&thread{request: r, steps: steps, main: true})
	if e.trap != "" {
		r.answer, r.answered = "!"+e.trap, true
		return
	}
	m.commit(r, e)
}

// deliver answers the call of a label.
func (m *model) deliver(label, outcome string) (trap string) {
	c := m.open[label]
	delete(m.open, label)
	if c.generation != m.generation {
		m.told[label] += "u" + outcome
		if !c.answered {
			c.answer, c.answered = "!"+upgraded, true
		}
		return ""
	}
	t := c.thread
	t.came[label] = outcome
	if len(t.came) < len(t.waiting) {
		return ""
	}
	after := *t
	after.resume()
	e := m.message(&after)
	if e.trap == "" {
		m.commit(t.request, e)
		return ""
	}
	m.told[label] += "l"
	for range t.defers {
		m.count("d")
	}
	if t.holds {
		m.locked = false
	}
	return e.trap
}

const upgraded = "retry: the canister was upgraded while it waited for another canister; what it had asked for is recorded there"

// resume puts what came into the thread's output.
func (t *thread) resume() {
	for _, label := range t.waiting {
		t.out += label + "=" + t.came[label] + ";"
	}
	t.waiting, t.came = nil, nil
}

// message runs a thread, and those that it starts, until all have ended or wait.
func (m *model) message(first *thread) *effect {
	e := &effect{answered: first.answered}
	queue := []*thread{first}
	for len(queue) > 0 && e.trap == "" {
		t := queue[0]
		queue = append(queue[1:], m.run(t, e)...)
		e.threads = append(e.threads, t)
	}
	return e
}

// run lets a thread go on until it waits, ends or traps; it returns those that it starts.
func (m *model) run(t *thread, e *effect) (started []*thread) {
	for t.next < len(t.steps) {
		step := t.steps[t.next]
		rest := step[1:]
		t.next++
		switch step[0] {
		case '+':
			e.counts = append(e.counts, rest)
		case '$':
			n, _ := strconv.Atoi(rest)
			e.accepted += min(n, t.available-e.accepted)
		case 'c':
			t.wait(rest)
			return started
		case 'a':
			t.wait(rest+"a", rest+"b")
			return started
		case 'g', 'G':
			aside := &thread{request: t.request, steps: []string{"c" + rest, "+g"}}
			if step[0] == 'G' {
				aside.steps = append(aside.steps, "taside")
			}
			started = append(started, aside)
		case 'r':
			e.reply("early " + t.out)
		case 'l':
			if m.locked || e.locks > 0 {
				e.trap = "script: a goroutine has neither"
				return started
			}
			t.holds = true
			e.locks++
		case 'd':
			t.defers++
		case 't':
			e.trap = "panic in script: script trap"
			if rest != "" {
				e.trap = "any"
			}
			return started
		case 'e':
			t.end(e, "!script error")
			return started
		}
	}
	t.end(e, t.out)
	return started
}

func (t *thread) wait(labels ...string) { t.waiting, t.came = labels, map[string]string{} }

func (t *thread) end(e *effect, answer string) {
	t.next = len(t.steps)
	if t.main {
		e.reply(answer)
	}
	for range t.defers {
		e.counts = append(e.counts, "d")
	}
	if t.holds {
		t.holds = false
		e.locks--
	}
}

func (e *effect) reply(answer string) {
	if !e.answered {
		e.answer, e.answered = answer, true
	}
}

func (m *model) count(name string) { m.counts[name]++; m.heap++ }

func (m *model) commit(r *request, e *effect) {
	for _, name := range e.counts {
		m.count(name)
	}
	r.available -= e.accepted
	if e.answered && !r.answered {
		r.answer, r.answered = e.answer, true
	}
	if e.locks != 0 {
		m.locked = e.locks > 0
	}
	for _, t := range e.threads {
		for _, label := range t.waiting {
			m.open[label] = &modelCall{t, m.generation}
		}
	}
}

// upgrade ends every thread; what they did stays.
func (m *model) upgrade() { m.generation++; m.heap, m.locked = 0, false }

// counters is what the canister's query of that name must answer.
func (m *model) counters() string {
	var out strings.Builder
	for _, k := range sorted(m.counts) {
		fmt.Fprintf(&out, "%s %d\n", k, m.counts[k])
	}
	for _, k := range sorted(m.told) {
		fmt.Fprintf(&out, "%s %s\n", k, m.told[k])
	}
	fmt.Fprintf(&out, "intents %d\nheap %d\n", len(m.open), m.heap)
	return out.String()
}

func sorted[V any](m map[string]V) []string {
	var keys []string
	for k := range m {
		keys = append(keys, k)
	}
	slices.Sort(keys)
	return keys
}
