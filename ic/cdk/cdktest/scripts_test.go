//go:build !wasip1

package cdktest_test

import (
	"fmt"
	"math/rand"
	"os"
	"slices"
	"strconv"
	"strings"
	"testing"

	"assay/ic/principal"
	"assay/ic/replica/cycles"
)

const (
	sampleInterleavings = 120 // without ASSAY_INTERLEAVINGS
	perRig              = 20
	stepsEach           = 40
)

// Random handlers that count, take money, await, fail, trap, hold locks and start
// goroutines, answered in random order, with upgrades between, with and without stop. After
// each interleaving the simple model must agree about every answer, every cycle, every
// stored change, every outcome that the hook was told, and what is left on the heap.
//
// ASSAY_INTERLEAVINGS runs more, ASSAY_SEED others.
func TestWasmInterleavings(t *testing.T) {
	t.Parallel()
	total, seed := number(t, "ASSAY_INTERLEAVINGS", sampleInterleavings), number(t, "ASSAY_SEED", 1)
	t.Logf("%d interleavings, seed %d", total, seed)
	for first := 0; first < total; first += perRig {
		t.Run(strconv.Itoa(first), func(t *testing.T) {
			t.Parallel()
			play := &interleaving{rig: newRig(t), model: newModel()}
			play.idle = play.query("count")
			for i := first; i < min(first+perRig, total); i++ {
				play.rng = rand.New(rand.NewSource(int64(seed)<<32 + int64(i)))
				if play.run(i); t.Failed() {
					t.Fatalf("in interleaving %d of seed %d", i, seed)
				}
			}
		})
	}
}

func number(t *testing.T, name string, otherwise int) int {
	t.Helper()
	text := os.Getenv(name)
	if text == "" {
		return otherwise
	}
	n, err := strconv.Atoi(text)
	if err != nil || n < 0 {
		t.Fatalf("%s=%q is no number", name, text)
	}
	return n
}

type interleaving struct {
	*rig
	*model
	rng      *rand.Rand
	idle     string // goroutines of a module that rests
	labels   int
	requests []*request
	at       map[string]int // open calls' places in rig.calls, by label
	seen     int            // of rig.calls
}

func (p *interleaving) run(number int) {
	p.requests, p.at = nil, map[string]int{}
	p.rig.calls, p.seen = nil, 0
	for range stepsEach {
		switch n := p.rng.Intn(100); {
		case n < 40:
			p.call()
		case n < 85:
			p.answer()
		case n < 95:
			p.pass()
		case n < 98:
			p.replace()
		default:
			p.drain()
			p.replace()
		}
		if p.t.Failed() {
			return
		}
	}
	p.drain()
	p.pass()
	if got := p.query("counters"); got != p.counters() {
		p.t.Errorf("interleaving %d: the canister holds\n%s, the model\n%s", number, got, p.counters())
	}
	if got, _, _ := strings.Cut(p.query("count"), " "); got+" 0" != p.idle {
		p.t.Errorf("interleaving %d: %s goroutines are left, %s at the start", number, got, p.idle)
	}
}

// call starts a request with a random script.
func (p *interleaving) call() {
	steps := p.script()
	paid := p.rng.Intn(1000)
	r := &request{available: paid}
	p.requests = append(p.requests, r)
	p.begin(r, steps)
	r.callContext = p.start(principal.SelfAuthenticating([]byte{byte(len(p.requests))}), "script", far.String()+" "+strings.Join(steps, " "), uint64(paid))
	p.check(r, steps)
}

// script is a random handler. It replies and locks at most once, and takes no money after it replied.
func (p *interleaving) script() (steps []string) {
	replied, locked := false, false
	for range 1 + p.rng.Intn(7) {
		p.labels++
		label := fmt.Sprintf("x%d", p.labels)
		switch n := p.rng.Intn(100); {
		case n < 25:
			steps = append(steps, "+"+string(rune('A'+p.rng.Intn(4))))
		case n < 35 && !replied:
			steps = append(steps, fmt.Sprintf("$%d", p.rng.Intn(700)))
		case n < 60:
			steps = append(steps, "c"+label)
		case n < 70:
			steps = append(steps, "a"+label)
		case n < 75:
			steps = append(steps, "g"+label)
		case n < 77:
			steps = append(steps, "G"+label)
		case n < 82 && !replied:
			steps, replied = append(steps, "r"), true
		case n < 86 && !locked:
			steps, locked = append(steps, "l"), true
		case n < 91:
			steps = append(steps, "d")
		case n < 97:
			return append(steps, "t")
		default:
			return append(steps, "e")
		}
	}
	return steps
}

// answer gives a random open call a random outcome.
func (p *interleaving) answer() {
	if len(p.at) == 0 {
		return
	}
	labels := sorted(p.at)
	label := labels[p.rng.Intn(len(labels))]
	i, by := p.at[label], p.model.open[label].request
	delete(p.at, label)
	refund, rejected := p.rng.Intn(101), p.rng.Intn(4) == 0
	reply := fmt.Sprintf("re %s %d", label, p.rng.Intn(1000))
	outcome := reply
	if rejected {
		outcome = "!" + reply
	}
	want := p.deliver(label, fmt.Sprintf("%s/%d", outcome, refund))
	trap, cleanup := p.finishRefunding(i, reply, rejected, uint64(refund))
	if cleanup != nil {
		p.t.Errorf("cleanup of %s: %v", label, cleanup)
	}
	if (trap != nil) != (want != "") || trap != nil && want != "any" && !strings.HasPrefix(trap.Message, want) {
		p.t.Errorf("callback of %s: trap %v, want %q", label, trap, want)
	}
	p.check(by, label)
}

// check compares a request with the model and finds the calls that it made.
func (p *interleaving) check(r *request, about any) {
	got, answered := "", r.callContext.answer != nil
	if answered {
		if got = string(r.callContext.answer.Data); r.callContext.answer.Rejected {
			got = "!" + got
		}
	}
	cut := strings.HasPrefix(r.answer, "!panic") || strings.HasPrefix(r.answer, "!script: ")
	if answered != r.answered || got != r.answer && (!cut || !strings.HasPrefix(got, r.answer)) {
		p.t.Errorf("%v: answer %q, want %q (%v)", about, got, r.answer, r.answered)
	}
	if want := cycles.New(uint64(r.available)); r.callContext.available != want {
		p.t.Errorf("%v: %v cycles are left, want %v", about, r.callContext.available, want)
	}
	for ; p.seen < len(p.rig.calls); p.seen++ {
		p.at[string(p.rig.calls[p.seen].Arg)] = p.seen
	}
	if !slices.Equal(sorted(p.at), sorted(p.model.open)) {
		p.t.Errorf("%v: open calls %q, want %q", about, sorted(p.at), sorted(p.model.open))
	}
}

// pass lets time pass and runs the tasks that are due, which tell the hook.
func (p *interleaving) pass() {
	p.now += 1e9
	for p.timer != 0 && p.timer <= p.now {
		p.tick()
	}
	p.seen = len(p.rig.calls)
}

// replace upgrades the canister without stopping it.
func (p *interleaving) replace() {
	p.install("canister_post_upgrade")
	p.upgrade()
}

// drain answers until no call is open, as a stop does.
func (p *interleaving) drain() {
	for len(p.at) > 0 && !p.t.Failed() {
		p.answer()
	}
}
