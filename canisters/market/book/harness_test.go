package book

import (
	"encoding/binary"
	"errors"
	"fmt"
	"math"
	"sync/atomic"
	"testing"

	"assay/commitment"
)

// harness is a market with everything around it that its commands assume: a clock, the
// cycles of its canister, a certified tree. After every command it checks what must
// always hold.
type harness struct {
	t      testing.TB
	mem    *Memory
	b      *Book
	now    Time
	liquid Cycles
	tree   map[string]string
	params Parameters

	checked map[uint64]string // the records of the jobs as they were last checked
}

const (
	testDAO   = Principal("dao\x01")
	testApp   = Principal("app\x01")
	testAlice = Principal("alice\x02")
	testMoney = Cycles(1e12)
)

func must1[T any](v T, err error) T {
	if err != nil {
		panic(err)
	}
	return v
}

func testParameters() Parameters {
	return Parameters{
		Window: 10 * second, DeliveryTimeout: 30 * second, RevealTimeout: 20 * second, MaxAttempts: 3,
		TreasuryPermille: 100, BasePrice: 1_000_003, Reserve: 5e9,
	}
}

var testManifest = []byte("a manifest")

func testModel() RegistryEntry {
	return RegistryEntry{
		Kind: ModelKind, Root: commitment.ModelRoot(testManifest), Name: "tiny", Publisher: "publisher\x02", Manifest: testManifest,
		Classes: []string{ClassExact}, PricePerItem: 500_001, RoyaltyPermille: 50, Dimension: 2, MaxItems: 4, MaxItemBytes: 100,
	}
}

func provider(i int) Provider {
	return Provider{Operator: Principal(fmt.Sprintf("operator %d\x02", i)), Worker: Principal(fmt.Sprintf("worker %d\x02", i)), Name: fmt.Sprintf("provider %d", i)}
}

// newHarness is a market with one model and n providers.
func newHarness(t testing.TB, n int) *harness {
	t.Helper()
	h := &harness{t: t, mem: &Memory{}, now: 1e18, liquid: 1e10, tree: map[string]string{}, params: testParameters(), checked: map[uint64]string{}}
	_, fx, err := Create(h.mem, "market\x01", testDAO, commitment.NetworkID([]byte("key")), h.params)
	if err != nil {
		t.Fatal(err)
	}
	h.apply(fx)
	h.b = must1(Open(h.mem))
	for i := range n {
		h.ok(h.b.AdmitProvider(h.call(testDAO), provider(i)))
	}
	h.ok(h.b.Admit(h.call(testDAO), testModel()))
	return h
}

func (h *harness) call(p Principal) Call { return Call{Now: h.now, Caller: p, Liquid: h.liquid} }

func (h *harness) paid(p Principal, n Cycles) Call {
	c := h.call(p)
	c.Attached = n
	return c
}

func (h *harness) apply(fx Effects) {
	for _, u := range fx.Tree {
		path := ""
		for _, l := range u.Path {
			path += fmt.Sprintf("/%x", l)
		}
		if u.Value == nil {
			delete(h.tree, path)
		} else {
			h.tree[path] = string(u.Value)
		}
	}
}

// ok applies a command's effects, fails the test on an error and checks the invariants.
func (h *harness) ok(fx Effects, err error) {
	h.t.Helper()
	if err != nil {
		h.t.Fatalf("unexpected failure: %v", err)
	}
	h.apply(fx)
	h.check()
}

// refused expects a failure of one code that left everything as it was.
func (h *harness) refused(want Code, before string, err error) {
	h.t.Helper()
	var f *Failure
	if !errors.As(err, &f) {
		h.t.Fatalf("got %v, want a failure: %s", err, want)
	}
	if f.Code != want || f.Message == "" {
		h.t.Errorf("got %v, want a failure: %s", err, want)
	}
	if after := h.dump(); after != before {
		h.t.Errorf("a refused command (%v) changed the store", err)
	}
}

func (h *harness) dump() string {
	var e encoder
	h.mem.Scan(nil, func(k, v []byte) bool {
		e.bytes(k).bytes(v)
		return true
	})
	return string(e.b)
}

// check asserts what must hold after every command.
func (h *harness) check() {
	h.t.Helper()
	books := h.b.Books(h.liquid)
	if books.Sum != 0 {
		h.t.Fatalf("books sum to %d, not to zero", books.Sum)
	}
	if books.Owed > h.liquid {
		h.t.Fatalf("owed %d, liquid %d", books.Owed, h.liquid)
	}
	for seq := uint64(1); seq <= h.b.counter("job"); seq++ {
		v := h.mem.values[string(numKey('J', seq))]
		if string(v) != h.checked[seq] { // the record changes with all that a job's check is about
			h.checkJob(h.b.job(seq))
			h.checked[seq] = string(v)
		}
	}
}

func (h *harness) checkJob(j *Job) {
	h.t.Helper()
	escrow := Cycles(h.b.balance(Account{Kind: Escrow, ID: j.Seq}))
	receipt, err := h.b.Receipt(j.Seq)
	inTree := h.tree[fmt.Sprintf("/%x/%x", "receipts", commitment.SeqLabel(j.Seq))]
	if j.State.Open() {
		if escrow != j.Price || j.Deadline == 0 || err == nil || inTree != "" {
			h.t.Fatalf("open job %d (%s): escrow %d of %d, deadline %d, receipt %v", j.Seq, j.State, escrow, j.Price, j.Deadline, err)
		}
	} else if sum := receipt.Sum(); escrow != 0 || j.Deadline != 0 || err != nil || inTree != string(sum[:]) {
		h.t.Fatalf("settled job %d (%s): escrow %d, deadline %d, receipt %v, certified %x", j.Seq, j.State, escrow, j.Deadline, err, inTree)
	}
	for _, s := range j.Assigned {
		path := fmt.Sprintf("/%x/%x/%x", "assignments", s.Operator, commitment.SeqLabel(j.Seq))
		want := ""
		if d := j.delivery(s); j.State == Assigned && (d == nil || d.OutputRoot == nil) && !h.b.refused(j, s) {
			sum := h.b.assignment(j, s).Sum()
			want = string(sum[:])
		}
		if h.tree[path] != want {
			h.t.Fatalf("job %d (%s %s): certified assignment is %x, want %x", j.Seq, j.State, j.Phase, h.tree[path], want)
		}
	}
}

func (h *harness) advance(d Time) { h.now += d }

func (h *harness) tick() {
	h.t.Helper()
	_, fx := h.b.Tick(h.call("market\x01"))
	h.ok(fx, nil)
}

var keyCount atomic.Uint32

func submission(items int, redundancy uint8) Submission {
	s := Submission{
		Key: fmt.Append(nil, keyCount.Add(1)), Model: commitment.ModelRoot(testManifest), Class: ClassExact, Redundancy: redundancy, MaxPrice: testMoney,
	}
	for i := range items {
		s.Items = append(s.Items, Item{Text: fmt.Sprintf("text %d", i)})
	}
	return s
}

// submit places an order with cycles attached.
func (h *harness) submit(s Submission) uint64 {
	h.t.Helper()
	r, fx, err := h.b.Submit(h.paid(testApp, testMoney), s)
	h.liquid += r.Accept
	h.ok(fx, err)
	return r.Seq
}

// draw takes the waiting jobs through beacon and draw.
func (h *harness) draw(beacon byte) {
	h.t.Helper()
	id, request, fx := h.b.Freeze(h.call("market\x01"))
	h.ok(fx, nil)
	if !request {
		h.t.Fatal("no beacon is requested")
	}
	if err := h.b.StoreBeacon(h.call("market\x01"), id, beaconOf(beacon)); err != nil {
		h.t.Fatal(err)
	}
	for more := true; more; {
		more, fx = h.b.Draw(h.call("market\x01"))
		h.ok(fx, nil)
	}
}

func beaconOf(b byte) []byte {
	out := make([]byte, 32)
	for i := range out {
		out[i] = b
	}
	return out
}

// output is a right-shaped output whose first element is v.
func output(items int, v float32) []Tensor {
	var out []Tensor
	for i := range items {
		data := binary.LittleEndian.AppendUint32(nil, math.Float32bits(v))
		data = binary.LittleEndian.AppendUint32(data, math.Float32bits(float32(i)))
		out = append(out, Tensor{commitment.Float32, []uint64{2}, data})
	}
	return out
}

func testSalt(i int) []byte { return append(make([]byte, 15), byte(i)) }

func (h *harness) commitOf(j *Job, s Seat, out []Tensor, salt []byte) commitment.Hash {
	return commitment.Commit(h.b.work(j, s), must1(j.rootOf(out)), salt)
}

// commitAll has every seat commit to what outputs gives it.
func (h *harness) commitAll(seq uint64, outputs ...[]Tensor) {
	h.t.Helper()
	j := h.b.job(seq)
	for i, s := range j.Assigned {
		h.ok(h.b.Commit(h.call(s.Worker), seq, j.Attempt, h.commitOf(j, s, outputs[i], testSalt(i))))
	}
}

func (h *harness) reveal(seq uint64, seat int, out []Tensor) {
	h.t.Helper()
	j := h.b.job(seq)
	h.ok(h.b.Reveal(h.call(j.Assigned[seat].Worker), seq, j.Attempt, out, testSalt(seat)))
}

func (h *harness) wantState(seq uint64, want State) *Job {
	h.t.Helper()
	j := h.b.job(seq)
	if j.State != want {
		h.t.Fatalf("job %d is %s (%s), want %s", seq, j.State, j.Message, want)
	}
	return j
}

func (h *harness) balanceOf(a Account, want int64) {
	h.t.Helper()
	if got := h.b.balance(a); got != want {
		h.t.Errorf("account %+v holds %d, want %d", a, got, want)
	}
}

func hexOf(s string) string { return fmt.Sprintf("%x", s) }

var commitSum = commitment.Commit
