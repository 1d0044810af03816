package book

import (
	"math"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"assay/commitment"
)

func TestSubmitRefuses(t *testing.T) {
	t.Parallel()
	rows := map[string]struct {
		change   func(*Submission)
		attached Cycles
		liquid   Cycles
		caller   Principal
		want     Code
	}{
		"no key":              {change: func(s *Submission) { s.Key = nil }, want: BadInput},
		"long key":            {change: func(s *Submission) { s.Key = make([]byte, 33) }, want: BadInput},
		"anonymous":           {caller: anonymous, want: BadInput},
		"unknown model":       {change: func(s *Submission) { s.Model[0]++ }, want: UnknownModel},
		"tolerance":           {change: func(s *Submission) { s.Class = "tolerance" }, want: NotSupported},
		"no items":            {change: func(s *Submission) { s.Items = nil }, want: BadInput},
		"too many items":      {change: func(s *Submission) { s.Items = make([]Item, 5) }, want: TooLarge},
		"empty text":          {change: func(s *Submission) { s.Items[1].Text = "" }, want: BadInput},
		"no tokens":           {change: func(s *Submission) { s.Items[1].Tokens = []uint32{} }, want: BadInput},
		"long text":           {change: func(s *Submission) { s.Items[0].Text = strings.Repeat("x", 101) }, want: TooLarge},
		"long tokens":         {change: func(s *Submission) { s.Items[0].Tokens = make([]uint32, 26) }, want: TooLarge},
		"invalid UTF-8":       {change: func(s *Submission) { s.Items[0].Text = "a\xff" }, want: BadInput},
		"no redundancy":       {change: func(s *Submission) { s.Redundancy = 0 }, want: BadInput},
		"great redundancy":    {change: func(s *Submission) { s.Redundancy = 8 }, want: BadInput},
		"too few providers":   {change: func(s *Submission) { s.Redundancy = 3 }, want: NoProviders},
		"max price":           {change: func(s *Submission) { s.MaxPrice = 10 }, want: PriceTooLow},
		"too little attached": {attached: 10, want: NoFunds},
		"no balance":          {change: func(s *Submission) { s.FromBalance = true }, want: NoFunds},
		"callback to a user":  {change: func(s *Submission) { s.Callback, s.CallbackAt = "done", AtFinal }, caller: testAlice, want: BadInput},
		"callback to nothing": {change: func(s *Submission) { s.CallbackAt = AtFinal }, want: BadInput},
		"odd callback":        {change: func(s *Submission) { s.Callback, s.CallbackAt = "a b", AtFinal }, want: BadInput},
		"reserve not covered": {liquid: 4e9, want: Busy},
	}
	for name, r := range rows {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			h := newHarness(t, 2)
			s := Submission{
				Key: []byte("k"), Model: commitment.ModelRoot(testManifest), Class: ClassExact, Redundancy: 1, MaxPrice: testMoney,
				Items: []Item{{Text: "a"}, {Text: "b"}},
			}
			if r.change != nil {
				r.change(&s)
			}
			c := h.paid(testApp, testMoney)
			if r.attached != 0 {
				c.Attached = r.attached
			}
			if r.liquid != 0 {
				c.Liquid = r.liquid
			}
			if r.caller != "" {
				c.Caller = r.caller
			}
			before := h.dump()
			_, _, err := h.b.Submit(c, s)
			h.refused(r.want, before, err)
		})
	}
}

func TestSubmitIsIdempotent(t *testing.T) {
	t.Parallel()
	h := newHarness(t, 1)
	s := submission(1, 1)
	first := h.submit(s)
	r, fx, err := h.b.Submit(h.paid(testApp, testMoney), s)
	h.ok(fx, err)
	if r.Seq != first || r.Accept != 0 {
		t.Errorf("a repeated key gives job %d and takes %d cycles, want job %d and none", r.Seq, r.Accept, first)
	}
	s.Items[0].Text = "another"
	before := h.dump()
	_, _, err = h.b.Submit(h.paid(testApp, testMoney), s)
	h.refused(Duplicate, before, err)
	r, fx, err = h.b.Submit(h.paid(Principal("other\x01"), testMoney), s)
	h.liquid += r.Accept
	h.ok(fx, err)
	if r.Seq == first {
		t.Error("another caller's key names the first caller's job")
	}
}

func TestBalancePays(t *testing.T) {
	t.Parallel()
	h := newHarness(t, 1)
	n, fx, err := h.b.Deposit(h.paid(testApp, 5e9), testAlice)
	h.liquid += n
	h.ok(fx, err)
	s := submission(1, 1)
	s.FromBalance = true
	r, fx, err := h.b.Submit(h.call(testAlice), s)
	h.ok(fx, err)
	if r.Accept != 0 || h.b.Balance(testAlice) != 5e9-r.Price {
		t.Errorf("takes %d attached, leaves %d", r.Accept, h.b.Balance(testAlice))
	}
	for name, c := range map[string]struct {
		call Call
		to   Principal
		want Code
	}{
		"nothing attached": {h.call(testApp), testAlice, NoFunds},
		"for anonymous":    {h.paid(testApp, 1), anonymous, BadInput},
		"for nobody":       {h.paid(testApp, 1), "", BadInput},
		"too much":         {h.paid(testApp, MaxCycles), testAlice, TooLarge},
		"far too much":     {h.paid(testApp, math.MaxUint64), testAlice, TooLarge},
	} {
		before := h.dump()
		_, _, err := h.b.Deposit(c.call, c.to)
		t.Log(name)
		h.refused(c.want, before, err)
	}
}

func TestWithdraw(t *testing.T) {
	t.Parallel()
	h := newHarness(t, 1)
	n, fx, err := h.b.Deposit(h.paid(testApp, 10e9), testAlice)
	h.liquid += n
	h.ok(fx, err)
	for name, c := range map[string]struct {
		to     Principal
		amount Cycles
		want   Code
	}{
		"to a user": {testAlice, 2e9, BadInput}, "to nobody": {"", 2e9, BadInput}, "little": {testApp, 1e9 - 1, BadInput},
		"too much": {testApp, 10e9 + 1, NoFunds}, "far too much": {testApp, math.MaxUint64, Busy},
	} {
		t.Log(name)
		before := h.dump()
		_, _, err := h.b.Withdraw(h.call(testAlice), c.to, c.amount)
		h.refused(c.want, before, err)
	}
	send := func(amount Cycles) Intent {
		w, fx, err := h.b.Withdraw(h.call(testAlice), testApp, amount)
		h.liquid -= amount // the call carries them
		h.ok(fx, err)
		return w
	}
	arrives, returns, unknown := send(2e9), send(3e9), send(4e9)
	if got := h.b.Balance(testAlice); got != 1e9 {
		t.Errorf("balance %d", got)
	}
	h.ok(h.b.WithdrawalDone(h.call(""), arrives.ID, true), nil)
	h.liquid += returns.Amount
	h.ok(h.b.WithdrawalDone(h.call(""), returns.ID, false), nil)
	h.ok(h.b.WithdrawalDone(h.call(""), returns.ID, false), nil) // a repetition pays nothing
	if got := h.b.Balance(testAlice); got != 4e9 {
		t.Errorf("balance %d", got)
	}
	if diff := cmp.Diff([]Intent{unknown}, h.b.Withdrawals()); diff != "" {
		t.Error(diff)
	}
}

func TestInputIsPrivate(t *testing.T) {
	t.Parallel()
	h := newHarness(t, 2)
	seq := h.submit(submission(1, 1))
	h.draw(1)
	s := h.b.job(seq).Assigned[0]
	for _, p := range []Principal{testApp, s.Operator, s.Worker} {
		if items, err := h.b.Input(p, seq); err != nil || len(items) != 1 {
			t.Errorf("%q reads %v, %v", p, items, err)
		}
	}
	for i := range 2 {
		if p := provider(i); p.Operator != s.Operator {
			_, err := h.b.Input(p.Worker, seq)
			h.refused(NotPermitted, h.dump(), err)
		}
	}
	h.ok(h.b.Deliver(h.call(s.Worker), seq, 1, output(1, 1)))
	_, err := h.b.Input(s.Worker, seq)
	h.refused(NotPermitted, h.dump(), err)
}
