//go:build !wasip1

package cdktest_test

import (
	"fmt"
	"math/rand"
	"strings"
	"testing"

	"assay/ic/principal"
)

// caller is one call in a random interleaving: what it asked and what it paid.
type caller struct {
	*callContext
	method, text string
	paid         uint64
}

// Many callers at once, answers in random order, upgrades without stop in between: every
// answer is made of the caller's own text, every caller pays its own cycles and at the
// end all have an answer and nothing is left of them.
func TestWasmRandomInterleaving(t *testing.T) {
	t.Parallel()
	for seed := range int64(3) {
		t.Run(fmt.Sprint(seed), func(t *testing.T) {
			t.Parallel()
			rng := rand.New(rand.NewSource(seed))
			r := newRig(t)
			var callers []*caller
			open := map[int]bool{}
			for step := range 300 {
				switch n := rng.Intn(100); {
				case n < 45:
					callers = append(callers, r.randomCall(rng, step))
				case n < 47:
					r.install("canister_post_upgrade")
				default:
					r.randomAnswer(rng, open)
				}
				for i := range r.calls {
					if _, known := open[i]; !known {
						open[i] = true
					}
				}
			}
			for i := range r.calls {
				if open[i] {
					r.answerOwn(i, false)
				}
			}
			for _, c := range callers {
				c.check(t)
			}
			left, want := r.query("count"), r.freshCount()
			if left != want {
				t.Errorf("%s goroutines and heap at the end, %s at the start", left, want)
			}
			if notes := r.query("notes"); strings.Contains(notes, "cleanup") {
				t.Errorf("notes: %s", notes)
			}
		})
	}
}

// freshCount is what count says in a module that has done nothing.
func (r *rig) freshCount() string {
	r.install("canister_post_upgrade")
	return r.query("count")
}

func (r *rig) randomCall(rng *rand.Rand, step int) *caller {
	c := &caller{method: []string{"relay", "two", "late", "lock"}[rng.Intn(4)], text: fmt.Sprintf("[%d]", step), paid: uint64(rng.Intn(1000))}
	c.callContext = r.start(principal.SelfAuthenticating([]byte(c.text)), c.method, ask(c.text), c.paid)
	return c
}

func (r *rig) randomAnswer(rng *rand.Rand, open map[int]bool) {
	var waiting []int
	for i := range r.calls {
		if open[i] {
			waiting = append(waiting, i)
		}
	}
	if len(waiting) > 0 {
		i := waiting[rng.Intn(len(waiting))]
		open[i] = false
		r.answerOwn(i, rng.Intn(4) == 0)
	}
}

// answerOwn answers call i with its own argument.
func (r *rig) answerOwn(i int, reject bool) {
	r.t.Helper()
	if trap, _ := r.finish(i, "re "+string(r.calls[i].Arg), reject); trap != nil {
		r.t.Errorf("callback of call %d traps: %v", i, trap)
	}
}

// check looks for texts of others in the answer, and at the money.
func (c *caller) check(t *testing.T) {
	t.Helper()
	if c.answer == nil {
		t.Errorf("%s %s has no answer", c.method, c.text)
		return
	}
	text := string(c.answer.Data)
	left, _ := c.available.Uint64()
	if c.answer.Rejected {
		for _, reason := range []string{"retry: the canister was upgraded", "lock: a goroutine has neither", "call rejected, CANISTER_REJECT: re " + c.text} {
			if strings.HasPrefix(text, reason) {
				return
			}
		}
		t.Errorf("%s %s is rejected: %s", c.method, c.text, text)
		return
	}
	if others := strings.ReplaceAll(text, c.text, ""); strings.Contains(others, "[") || others == text && text != "late " { // its call was rejected
		t.Errorf("%s %s got %q", c.method, c.text, text)
	}
	if takes := c.method == "relay" || c.method == "lock"; takes != strings.HasSuffix(text, fmt.Sprintf("took %d", c.paid)) || takes && left != 0 || !takes && left != c.paid {
		t.Errorf("%s %s paid %d, %d are left: %q", c.method, c.text, c.paid, left, text)
	}
}
