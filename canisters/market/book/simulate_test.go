package book

import (
	"errors"
	"flag"
	"fmt"
	"math/rand/v2"
	"os"
	"runtime"
	"strconv"
	"sync"
	"testing"
)

var (
	lifecycles = flag.Int("lifecycles", 0, "random lifecycles to play; 0 takes ASSAY_LIFECYCLES or 2000")
	simSeed    = flag.Uint64("seed", 1, "of the first lifecycle; each takes the next")
)

func lifecycleCount(t *testing.T) int {
	if *lifecycles > 0 {
		return *lifecycles
	}
	if s := os.Getenv("ASSAY_LIFECYCLES"); s != "" {
		n, err := strconv.Atoi(s)
		if err != nil || n < 1 {
			t.Fatalf("ASSAY_LIFECYCLES is %q, want a number of lifecycles", s)
		}
		return n
	}
	if testing.Short() {
		return 200
	}
	return 2000
}

// TestSimulate plays random lifecycles: honest, slow, silent, wrong and declining
// providers, messages lost, repeated and late, beacons rejected and lost, callbacks and
// withdrawals that fail or never answer, providers removed, a market that stands still.
// After every command the harness checks the books and the certified tree; at the end
// every job is settled in time, once, and nobody is paid for a disputed one.
func TestSimulate(t *testing.T) {
	t.Parallel()
	n := lifecycleCount(t)
	shards := uint64(runtime.GOMAXPROCS(0))
	var mu sync.Mutex
	seen := map[State]int{}
	t.Run("lifecycles", func(t *testing.T) {
		for shard := range shards {
			t.Run(fmt.Sprint(shard), func(t *testing.T) {
				t.Parallel()
				own := map[State]int{}
				for i := shard; i < uint64(n); i += shards {
					playLifecycle(t, *simSeed+i, own)
				}
				mu.Lock()
				defer mu.Unlock()
				for s, k := range own {
					seen[s] += k
				}
			})
		}
	})
	t.Logf("%d lifecycles: %d final, %d disputed, %d failed", n, seen[Final], seen[Disputed], seen[Failed])
	if n >= 200 && (seen[Final] == 0 || seen[Disputed] == 0 || seen[Failed] == 0) {
		t.Errorf("not every end was reached: %v", seen)
	}
}

// player is one simulated market and the people around it.
type player struct {
	*harness
	r         *rand.Rand
	providers int
	stood     Time // total time in which the market stood still
	jobs      []uint64
	flight    []Intent // withdrawals whose call is open
}

func playLifecycle(t *testing.T, seed uint64, seen map[State]int) {
	r := rand.New(rand.NewPCG(seed, 0x61737361))
	p := &player{r: r, providers: 1 + r.IntN(4)}
	defer func() { // also when the harness stops the test
		if t.Failed() {
			t.Logf("lifecycle of seed %d failed; repeat it with -seed %d -lifecycles 1", seed, seed)
		}
	}()
	p.harness = newHarness(t, p.providers)
	for range 30 + r.IntN(60) {
		p.step()
	}
	p.finish()
	clear(p.checked)
	p.check()
	for _, seq := range p.jobs {
		p.checkEnd(seq)
		seen[p.b.job(seq).State]++
	}
}

func (p *player) chance(percent int) bool { return p.r.IntN(100) < percent }

// attempt applies a command that may be refused; a refusal changes nothing.
func (p *player) attempt(fx Effects, err error) bool {
	p.t.Helper()
	var f *Failure
	if err != nil && !errors.As(err, &f) {
		p.t.Fatalf("untyped failure: %v", err)
	}
	p.apply(fx)
	p.check()
	return err == nil
}

func (p *player) step() {
	switch p.r.IntN(12) {
	case 0:
		p.order()
	case 1, 2, 6, 7, 8:
		for range 1 + p.r.IntN(4) {
			p.work()
		}
	case 3:
		p.passTime(Time(p.r.Int64N(int64(heartbeat) / 4)))
	case 4:
		p.money()
	case 5:
		p.govern()
	default:
		p.edge()
	}
}

func (p *player) order() {
	s := submission(1+p.r.IntN(4), uint8(1+p.r.IntN(3)))
	s.Key = []byte(strconv.Itoa(len(p.jobs)))
	if s.FromBalance = p.chance(30); !s.FromBalance && p.chance(50) {
		s.Callback, s.CallbackAt = "done", Moment(1+p.r.IntN(2))
	}
	attached := Cycles(p.r.Int64N(4e7))
	for range 1 + p.r.IntN(2) { // a repetition must change nothing more
		r, fx, err := p.b.Submit(p.paid(testApp, attached), s)
		p.liquid += r.Accept
		if p.attempt(fx, err) && (len(p.jobs) == 0 || p.jobs[len(p.jobs)-1] != r.Seq) {
			p.jobs = append(p.jobs, r.Seq)
		}
	}
}

// work has one provider act on one of its assignments, well or badly.
func (p *player) work() {
	op := provider(p.r.IntN(p.providers + 1))
	as := p.b.Assignments(op.Operator)
	if len(as) == 0 {
		return
	}
	a := as[p.r.IntN(len(as))]
	j, attempt, worker := a.Job, a.Job.Attempt, op.Worker
	if p.chance(10) {
		attempt--
	}
	if p.chance(5) {
		worker = provider(p.r.IntN(p.providers)).Worker
	}
	if p.chance(2) {
		p.attempt(p.b.Decline(p.call(worker), j.Seq, attempt, false, "busy"))
		return
	}
	if p.refuses(op, j) {
		p.attempt(p.b.Decline(p.call(worker), j.Seq, attempt, true, "not this text"))
		return
	}
	out := output(int(j.Items), 1)
	if p.cheats(op, j) {
		out = output(int(j.Items), 2)
	}
	if p.chance(3) {
		out = out[1:]
	}
	for range 1 + p.r.IntN(2) {
		p.handIn(j, worker, attempt, out)
	}
}

// cheats is fixed per provider and job, so that commit and reveal tell the same lie.
func (p *player) cheats(op Provider, j *Job) bool {
	return op == provider(0) && j.Seq%3 == 0
}

// refuses: some inputs nobody can compute, some only one provider says so of.
func (p *player) refuses(op Provider, j *Job) bool {
	return j.Seq%17 == 5 || j.Seq%11 == 4 && op == provider(1)
}

func (p *player) handIn(j *Job, worker Principal, attempt uint32, out []Tensor) {
	c := p.call(worker)
	salt := []byte(fmt.Sprintf("salt of %-20s", worker))
	switch j.Phase {
	case DeliverPhase:
		p.attempt(p.b.Deliver(c, j.Seq, attempt, out))
	case CommitPhase:
		root, err := j.rootOf(out)
		if err != nil {
			return
		}
		w := p.b.work(j, Seat{Worker: worker})
		p.attempt(p.b.Commit(c, j.Seq, attempt, commitSum(w, root, salt)))
	case RevealPhase:
		p.attempt(p.b.Reveal(c, j.Seq, attempt, out, salt))
	}
}

// passTime moves the clock as a living market sees it, or now and then in one long leap.
func (p *player) passTime(d Time) {
	if p.chance(3) {
		leap := stallAfter + Time(p.r.Int64N(int64(3600*second)))
		if p.b.counter("open") > 0 {
			p.stood += leap + heartbeat
		}
		d += leap
	}
	p.advance(d)
	p.tick()
}

// edge does what the canister's tasks do, with answers lost at times.
func (p *player) edge() {
	due := p.b.Due(p.now)
	if due.Beacon {
		id, request, fx := p.b.Freeze(p.call(""))
		p.ok(fx, nil)
		switch {
		case !request || p.chance(4): // or the answer is lost
		case p.chance(10):
			p.b.BeaconRejected(p.call(""), id)
		default:
			if err := p.b.StoreBeacon(p.call(""), id, beaconOf(byte(p.r.Uint32()))); err != nil {
				p.t.Fatalf("store beacon: %v", err)
			}
		}
	}
	if due.Draw {
		_, fx := p.b.Draw(p.call(""))
		p.ok(fx, nil)
	}
	if due.Callbacks {
		out, fx := p.b.Callbacks(p.call(""))
		p.ok(fx, nil)
		for _, o := range out {
			if failure := []string{"", "", "no", "lost"}[p.r.IntN(4)]; failure != "lost" {
				p.ok(p.b.CallbackDone(p.call(""), o.Job.Seq, failure, p.chance(50)), nil)
			}
		}
	}
	p.tick()
}

func (p *player) money() {
	if p.chance(50) {
		n, fx, err := p.b.Deposit(p.paid(testApp, Cycles(p.r.Int64N(4e9))), testApp)
		if err == nil {
			p.liquid += n
		}
		p.attempt(fx, err)
		return
	}
	if len(p.flight) > 0 && p.chance(50) {
		w := p.flight[0]
		p.flight = p.flight[1:]
		arrived := p.chance(50)
		if !arrived {
			p.liquid += w.Amount
		}
		p.ok(p.b.WithdrawalDone(p.call(""), w.ID, arrived), nil)
		p.ok(p.b.WithdrawalDone(p.call(""), w.ID, arrived), nil)
		return
	}
	w, fx, err := p.b.Withdraw(p.call(testApp), testApp, Cycles(p.r.Int64N(4e9)))
	if err == nil {
		p.liquid -= w.Amount
		p.flight = append(p.flight, w)
	}
	p.attempt(fx, err)
}

func (p *player) govern() {
	switch op := provider(p.r.IntN(p.providers + 1)); p.r.IntN(6) {
	case 0:
		p.attempt(p.b.RemoveProvider(p.call(testDAO), op.Operator))
	case 1, 2, 3:
		p.attempt(p.b.AdmitProvider(p.call(testDAO), op))
	default:
		p.attempt(p.b.RemoveProvider(p.call(testApp), op.Operator))
	}
}

// finish lets time pass until all is settled, with providers that work on or that do
// nothing more, and measures that it takes no longer than the deadlines in sequence.
func (p *player) finish() {
	rules := p.b.Parameters()
	longest := Time(rules.MaxAttempts)*(waitTimeout+rules.DeliveryTimeout+rules.RevealTimeout+2*heartbeat) + rules.Window + heartbeat
	end, lively := p.now+longest, p.chance(50)
	for p.b.counter("open") > 0 {
		if p.now > end {
			p.t.Fatalf("%d jobs are open %d s after the last sign of life", p.b.counter("open"), longest/second)
		}
		due := p.b.Due(p.now)
		if due.Next == 0 || due.Next > p.now+heartbeat {
			p.t.Fatalf("jobs are open and the market wants to wake at %d, now is %d", due.Next, p.now)
		}
		p.edge()
		if lively {
			p.work()
			p.work()
		}
		p.advance(min(max(due.Next, p.now+second)-p.now, heartbeat))
		p.tick()
	}
}

// checkEnd: settled in time and once; a disputed job paid nobody.
func (p *player) checkEnd(seq uint64) {
	j := p.b.job(seq)
	rules := p.b.Parameters()
	longest := Time(j.Attempt)*(waitTimeout+rules.DeliveryTimeout+rules.RevealTimeout+3*heartbeat) + rules.Window + heartbeat + p.stood
	if j.Settled > j.Submitted+longest {
		p.t.Errorf("job %d took %d s, at most %d s are allowed", seq, (j.Settled-j.Submitted)/second, longest/second)
	}
	settled := 0
	for _, x := range p.b.Entries(1, 1<<30) {
		if x.Job != seq || x.Kind == "escrow" {
			continue
		}
		settled++
		for _, q := range x.Postings {
			if paid := q.Account.Kind == Earned || q.Account.Kind == Royalty || q.Account.Kind == Treasury; paid && j.State != Final {
				p.t.Errorf("job %d is %s and pays account %+v", seq, j.State, q.Account)
			}
		}
	}
	if settled != 1 {
		p.t.Errorf("job %d was settled by %d entries", seq, settled)
	}
}
