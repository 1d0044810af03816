package poll

import (
	"context"
	"errors"
	"log/slog"
	"testing"
	"time"

	"assay/canisters/market/marketapi"
	"assay/commitment"
	"assay/ic/candid"
	"assay/ic/certificate"
	"assay/ic/certificate/certtest"
	"assay/ic/certificate/hashtree"
	"assay/ic/principal"
)

var (
	now      = time.Unix(1_790_000_000, 0)
	market   = principal.Canister(2)
	operator = principal.SelfAuthenticating([]byte("operator"))
	worker   = principal.SelfAuthenticating([]byte("worker"))
)

// answer is a market's certified answer that a test can falsify before it is sent.
type answer struct {
	assignments []marketapi.Assignment
	witness     *hashtree.Builder
	time        time.Time
	certified   []byte // instead of the witness's root
}

func hash(b byte) []byte { h := make([]byte, 32); h[0] = b; return h }

func assignment(seq uint64) marketapi.Assignment {
	return marketapi.Assignment{
		Job: marketapi.JobId{Market: market, Seq: seq}, Attempt: 1, Operator: operator, Worker: worker,
		Model: hash(1), InputHash: hash(2), ParametersHash: hash(3), Redundancy: 2,
		Phase: &marketapi.Phase{Commit: true}, Deadline: uint64(now.Add(time.Minute).UnixNano()),
	}
}

// leaf is the certified hash of an assignment, computed apart from the code under test.
func leaf(p Provider, a marketapi.Assignment) []byte {
	sum := commitment.Assignment{
		Work: commitment.Work{
			Network: p.Network, Job: commitment.JobID{Market: string(market.Bytes()), Seq: a.Job.Seq}, Attempt: a.Attempt,
			Executor: worker.Bytes(), Model: commitment.Hash(a.Model), Input: commitment.Hash(a.InputHash),
		},
		Operator: operator.Bytes(), Parameters: commitment.Hash(a.ParametersHash), Phase: a.Phase.Tag(), Deadline: a.Deadline,
	}.Sum()
	return sum[:]
}

func setup(t *testing.T) (*certtest.Network, Provider) {
	t.Helper()
	n := certtest.New(t, certtest.Sharded, certificate.Range{From: principal.Canister(0), To: principal.Canister(9)})
	return n, Provider{Operator: operator, Worker: worker, Market: market, Network: commitment.NetworkID(n.RootKey)}
}

func good(p Provider, seqs ...uint64) answer {
	a := answer{witness: hashtree.NewBuilder().Set(hash(9), []byte("parameters")), time: now}
	for _, seq := range seqs {
		a.assignments = append(a.assignments, assignment(seq))
		a.witness.Set(leaf(p, assignment(seq)), []byte("assignments"), operator.Bytes(), commitment.SeqLabel(seq))
	}
	return a
}

func (a answer) send(t *testing.T, n *certtest.Network) marketapi.Assignments {
	t.Helper()
	tree, err := a.witness.Tree()
	if err != nil {
		t.Fatal(err)
	}
	data := a.certified
	if data == nil {
		d := tree.Digest()
		data = d[:]
	}
	cert := n.Certify(t, hashtree.NewBuilder().
		Set(certificate.AppendNat(nil, uint64(a.time.UnixNano())), []byte("time")).
		Set(data, []byte("canister"), market.Bytes(), []byte("certified_data")))
	return marketapi.Assignments{Assignments: a.assignments, Certificate: cert, Witness: tree.EncodeTagged()}
}

func TestCheckTakesCertifiedAssignments(t *testing.T) {
	n, p := setup(t)
	for name, seqs := range map[string][]uint64{"none": nil, "one": {7}, "several": {7, 8, 300}} {
		tickets, err := Check(good(p, seqs...).send(t, n), p, n.RootKey, now)
		if err != nil || len(tickets) != len(seqs) {
			t.Errorf("%s: %d tickets, %v; want %d", name, len(tickets), err, len(seqs))
		}
		for i, ticket := range tickets {
			if ticket.Job != seqs[i] || ticket.Phase != Commit || ticket.Attempt != 1 {
				t.Errorf("%s: ticket %d is %+v", name, i, ticket)
			}
			if back, err := Decode(ticket.Encode()); err != nil || back != ticket {
				t.Errorf("%s: ticket %+v came back as %+v, %v", name, ticket, back, err)
			}
		}
	}
}

func TestCheckRefuses(t *testing.T) {
	n, p := setup(t)
	stranger := certtest.New(t, certtest.Sharded, certificate.Range{From: principal.Canister(0), To: principal.Canister(9)})
	elsewhere := certtest.New(t, certtest.Sharded, certificate.Range{From: principal.Canister(5), To: principal.Canister(9)})
	for name, c := range map[string]struct {
		falsify func(a *answer)
		signer  *certtest.Network
		rootKey []byte
	}{
		"an invented assignment":  {falsify: func(a *answer) { a.assignments = append(a.assignments, assignment(9)) }},
		"a hidden assignment":     {falsify: func(a *answer) { a.assignments = a.assignments[:1] }},
		"another input":           {falsify: func(a *answer) { a.assignments[1].InputHash = hash(7) }},
		"another deadline":        {falsify: func(a *answer) { a.assignments[0].Deadline++ }},
		"another attempt":         {falsify: func(a *answer) { a.assignments[0].Attempt++ }},
		"another phase":           {falsify: func(a *answer) { a.assignments[0].Phase = &marketapi.Phase{Reveal: true} }},
		"a phase from the future": {falsify: func(a *answer) { a.assignments[0].Phase = nil }},
		"another operator":        {falsify: func(a *answer) { a.assignments[0].Operator = principal.Anonymous }},
		"a short hash":            {falsify: func(a *answer) { a.assignments[0].Model = hash(1)[:31] }},
		"swapped":                 {falsify: func(a *answer) { a.assignments[0], a.assignments[1] = a.assignments[1], a.assignments[0] }},
		"an old certificate":      {falsify: func(a *answer) { a.time = now.Add(-10 * time.Minute) }},
		"a future certificate":    {falsify: func(a *answer) { a.time = now.Add(10 * time.Minute) }},
		"another witness":         {falsify: func(a *answer) { a.certified = hash(5) }},
		"a pruned neighbour": {falsify: func(a *answer) {
			tree := hashtree.Fork(hashtree.Labeled(commitment.SeqLabel(7), hashtree.Leaf(leaf(p, assignment(7)))), hashtree.Pruned(hashtree.Hash{1}))
			a.witness = hashtree.NewBuilder().Graft(tree, []byte("assignments"), operator.Bytes())
			a.assignments = a.assignments[:1]
		}},
		"another network's root key": {rootKey: stranger.RootKey},
		"another network's subnet":   {signer: stranger},
	} {
		a := good(p, 7, 8)
		if c.falsify != nil {
			c.falsify(&a)
		}
		signer, rootKey := n, n.RootKey
		if c.signer != nil {
			signer = c.signer
		}
		if c.rootKey != nil {
			rootKey = c.rootKey
		}
		if tickets, err := Check(a.send(t, signer), p, rootKey, now); !errors.Is(err, ErrForged) {
			t.Errorf("%s: %d tickets, %v; want ErrForged", name, len(tickets), err)
		}
	}
	if _, err := Check(good(p, 7).send(t, elsewhere), p, elsewhere.RootKey, now); !errors.Is(err, ErrForged) {
		t.Errorf("a subnet that does not host the market: %v, want ErrForged", err)
	}
}

func FuzzDecodeTicket(f *testing.F) {
	f.Add(Ticket{Job: 1, Phase: Deliver}.Encode())
	f.Add([]byte(`{"phase":"else"}`))
	f.Fuzz(func(t *testing.T, b []byte) {
		ticket, err := Decode(b)
		if err != nil {
			return
		}
		if back, err := Decode(ticket.Encode()); err != nil || back != ticket {
			t.Errorf("%+v came back as %+v, %v", ticket, back, err)
		}
	})
}

// TestKeyTellsInputsApart: a development network that lost its last jobs gives their
// numbers to others, whose results must not be taken from the journal.
func TestKeyTellsInputsApart(t *testing.T) {
	base := Ticket{Job: 7, Attempt: 1, Phase: Commit, Model: commitment.Hash{1}, Input: commitment.Hash{2}}
	reveal := base
	reveal.Phase = Reveal
	if base.Key() != reveal.Key() || base.ID() == reveal.ID() {
		t.Errorf("commit %s and reveal %s: want one result and two tickets", base.ID(), reveal.ID())
	}
	for name, change := range map[string]func(*Ticket){
		"job":     func(t *Ticket) { t.Job = 71 },
		"attempt": func(t *Ticket) { t.Attempt++ },
		"model":   func(t *Ticket) { t.Model[0]++ },
		"input":   func(t *Ticket) { t.Input[0]++ },
	} {
		other := base
		change(&other)
		if other.Key() == base.Key() {
			t.Errorf("another %s has the same key %s", name, other.Key())
		}
	}
}

// TestHashesAreWhole: a hash that is longer or shorter is refused, not cut.
func TestHashesAreWhole(t *testing.T) {
	n, p := setup(t)
	for name, falsify := range map[string]func(*marketapi.Assignment){
		"a long model":        func(a *marketapi.Assignment) { a.Model = append(a.Model, 0) },
		"a long input":        func(a *marketapi.Assignment) { a.InputHash = append(a.InputHash, 0) },
		"long parameters":     func(a *marketapi.Assignment) { a.ParametersHash = append(a.ParametersHash, 0) },
		"a short model":       func(a *marketapi.Assignment) { a.Model = a.Model[:31] },
		"no parameters' hash": func(a *marketapi.Assignment) { a.ParametersHash = nil },
	} {
		a := good(p, 7)
		falsify(&a.assignments[0])
		if tickets, err := Check(a.send(t, n), p, n.RootKey, now); !errors.Is(err, ErrForged) {
			t.Errorf("%s: %d tickets, %v", name, len(tickets), err)
		}
	}
}

// caller answers polls the way the test says.
type caller func() ([]byte, error)

func (c caller) Call(context.Context, string, candid.Kind, []byte) ([]byte, error) { return c() }

// TestReady: only a poll that succeeded makes ready, and 30 seconds of failing unmake it.
func TestReady(t *testing.T) {
	n, p := setup(t)
	clock := now
	var answer func() ([]byte, error)
	poller := &Poller{
		Provider: p, RootKey: n.RootKey, Now: func() time.Time { return clock }, Logger: slog.New(slog.DiscardHandler),
		Take:   func(context.Context, Ticket) error { return nil },
		Market: marketapi.NewClient[context.Context](caller(func() ([]byte, error) { return answer() })),
	}
	poll := func(want bool, when string) {
		t.Helper()
		_ = poller.once(t.Context())
		if poller.Ready() != want {
			t.Errorf("%s: ready is %v", when, !want)
		}
	}
	fails := func() ([]byte, error) { return nil, errors.New("unreachable") }
	works := func() ([]byte, error) {
		a := good(p, 7)
		a.time = clock
		return marketapi.EncodeAssignmentsResults(a.send(t, n))
	}
	if poller.Ready() {
		t.Error("ready before any poll")
	}
	answer = fails
	poll(false, "after a failure")
	answer = works
	poll(true, "after a success")
	answer = fails
	clock = clock.Add(29 * time.Second)
	poll(true, "after 29 s of failures")
	clock = clock.Add(2 * time.Second)
	poll(false, "after 31 s of failures")
	answer = works
	poll(true, "after it came back")
}
