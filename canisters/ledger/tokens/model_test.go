package tokens

import (
	"bytes"
	"errors"
	"fmt"
	"math/rand/v2"
	"testing"
)

// model is the standards' rules once more, as plainly as possible: maps and small numbers.
type model struct {
	balances   map[Account]uint64
	allowances map[[2]Account]allowed
	seen       map[string]uint64
	next       uint64
}

type allowed struct{ amount, expires uint64 }

func (m *model) supply() (n uint64) {
	for _, b := range m.balances {
		n += b
	}
	return n
}

func (m *model) allowance(from, spender Account, now uint64) allowed {
	a := m.allowances[[2]Account{from, spender}]
	if a.expires != 0 && now >= a.expires {
		return allowed{}
	}
	return a
}

// timing says which rule of time and repetition a request breaks.
func (m *model) timing(now uint64, c Common, fee uint64, key string) Kind {
	if c.Fee != nil && *c.Fee != nat(fee) {
		return BadFee
	}
	if c.Created == nil {
		return 0
	}
	if *c.Created+window+drift < now {
		return TooOld
	}
	if *c.Created > now+drift {
		return CreatedInFuture
	}
	if _, ok := m.seen[key]; ok {
		return Duplicate
	}
	return 0
}

func (m *model) transfer(spender, from, to Account, n, now uint64, c Common, key string) Kind {
	cost := uint64(fee)
	switch {
	case from == mint && (to == mint || spender != from):
		return GenericError
	case from == mint || to == mint:
		cost = 0
	}
	if k := m.timing(now, c, cost, key); k != 0 {
		return k
	}
	a := m.allowance(from, spender, now)
	if spender != from && a.amount < n+cost {
		return InsufficientAllowance
	}
	b := m.balances[from]
	switch {
	case to == mint && (n == 0 || n < min(uint64(fee), b) || n < fee && b == 0):
		return BadBurn
	case from != mint && b < n+cost:
		return InsufficientFunds
	}
	if from != mint {
		m.balances[from] -= n + cost
	}
	if to != mint {
		m.balances[to] += n
	}
	if spender != from {
		m.allowances[[2]Account{from, spender}] = allowed{a.amount - n - cost, a.expires}
	}
	return 0
}

func (m *model) approve(c Caller, a Approve, n uint64, key string) Kind {
	from := Account{c.Owner, a.FromSub}
	if from == mint || from.Owner == a.Spender.Owner {
		return GenericError
	}
	if k := m.timing(c.Now, a.Common, fee, key); k != 0 {
		return k
	}
	switch {
	case a.Expires != nil && *a.Expires <= c.Now:
		return Expired
	case a.Expected != nil && *a.Expected != nat(m.allowance(from, a.Spender, c.Now).amount):
		return AllowanceChanged
	case m.balances[from] < fee:
		return InsufficientFunds
	}
	m.balances[from] -= fee
	next := allowed{amount: n}
	if a.Expires != nil {
		next.expires = *a.Expires
	}
	m.allowances[[2]Account{from, a.Spender}] = next
	return 0
}

// world makes random requests of few accounts, amounts and times, so that they meet.
type world struct {
	r     *rand.Rand
	model model
	asked []request // to ask again
}

type request struct {
	who string
	do  any
}

func (w *world) account() Account {
	names := []string{"alice", "bob", "carol", "mint"}
	return account(holder(names[w.r.IntN(len(names))]), byte(w.r.IntN(5)/4))
}

func (w *world) common(now uint64) (c Common) {
	if w.r.IntN(8) == 0 {
		c.Fee = new(nat([]uint64{0, fee, fee + 1}[w.r.IntN(3)]))
	}
	if w.r.IntN(2) == 0 {
		c.Created = new(now + 60 - uint64(w.r.IntN(1200)))
	}
	if w.r.IntN(3) == 0 {
		c.Memo = new([]byte{byte(w.r.IntN(2))})
	}
	return c
}

func (w *world) request(now uint64) request {
	if len(w.asked) > 0 && w.r.IntN(5) == 0 {
		return w.asked[w.r.IntN(len(w.asked))]
	}
	from, to, n := w.account(), w.account(), nat([]uint64{0, 3, 10, 15, 60, 200}[w.r.IntN(6)])
	q := request{who: from.Owner}
	switch w.r.IntN(4) {
	case 0:
		a := Approve{FromSub: from.Sub, Spender: to, Amount: n, Common: w.common(now)}
		if w.r.IntN(3) == 0 {
			a.Expires = new(now - 5 + uint64(w.r.IntN(300)))
		}
		if w.r.IntN(4) == 0 {
			a.Expected = new(nat(w.model.allowance(from, to, now).amount / uint64(1+w.r.IntN(2))))
		}
		q.do = a
	case 1:
		q.do = TransferFrom{SpenderSub: from.Sub, From: w.account(), To: to, Amount: n, Common: w.common(now)}
	default:
		q.do = Transfer{FromSub: from.Sub, To: to, Amount: n, Common: w.common(now)}
	}
	w.asked = append(w.asked, q)
	return q
}

// predict asks the model, which keeps what it does.
func (w *world) predict(q request, now uint64) Kind {
	key := describe(q)
	var k Kind
	var c Common
	m := &w.model
	switch r := q.do.(type) {
	case Transfer:
		from := Account{q.who, r.FromSub}
		c, k = r.Common, m.transfer(from, from, r.To, r.Amount.Lo, now, r.Common, key)
	case TransferFrom:
		c, k = r.Common, m.transfer(Account{q.who, r.SpenderSub}, r.From, r.To, r.Amount.Lo, now, r.Common, key)
	case Approve:
		c, k = r.Common, m.approve(Caller{q.who, now}, r, r.Amount.Lo, key)
	}
	if k == 0 {
		if c.Created != nil {
			m.seen[key] = m.next
		}
		m.next++
	}
	return k
}

// describe spells out every field.
func describe(q request) string {
	common := func(c Common) string {
		var b bytes.Buffer
		if c.Fee != nil {
			fmt.Fprint(&b, " fee ", c.Fee)
		}
		if c.Memo != nil {
			fmt.Fprintf(&b, " memo %x", *c.Memo)
		}
		if c.Created != nil {
			fmt.Fprint(&b, " at ", *c.Created)
		}
		return b.String()
	}
	switch r := q.do.(type) {
	case Transfer:
		return fmt.Sprintf("%s transfer %x %v %s%s", q.who, r.FromSub, r.To, r.Amount, common(r.Common))
	case TransferFrom:
		return fmt.Sprintf("%s from %x %v %v %s%s", q.who, r.SpenderSub, r.From, r.To, r.Amount, common(r.Common))
	case Approve:
		s := fmt.Sprintf("%s approve %x %v %s%s", q.who, r.FromSub, r.Spender, r.Amount, common(r.Common))
		if r.Expected != nil {
			s += " expected " + r.Expected.String()
		}
		if r.Expires != nil {
			s += fmt.Sprint(" until ", *r.Expires)
		}
		return s
	}
	panic("no request")
}

// TestAgainstModel makes random requests of a ledger and of a model; every verdict, index
// and balance agrees, and the balances add up to the supply at every step.
func TestAgainstModel(t *testing.T) {
	const rounds, requests = 20, 1500
	verdicts := map[Kind]int{}
	for seed := range uint64(rounds) {
		h := &heap{}
		if _, err := Create(h, testConfig(), nil); err != nil {
			t.Fatal(err)
		}
		w := &world{r: rand.New(rand.NewPCG(seed, 5)), model: model{balances: map[Account]uint64{}, allowances: map[[2]Account]allowed{}, seen: map[string]uint64{}}}
		now := uint64(start)
		for i := range requests {
			now += uint64(w.r.IntN(20))
			l, err := Open(h)
			if err != nil {
				t.Fatal(err)
			}
			q := w.request(now)
			index, err := do(l, Caller{q.who, now}, q.do)
			next := w.model.next
			want := w.predict(q, now)
			verdicts[want]++
			got := kindOf(err)
			if got != want || want == 0 && index != next {
				t.Fatalf("seed %d, request %d at %d: %s: got %v, index %d; the model says %v, %d", seed, i, now, describe(q), err, index, want, next)
			}
			if got == Duplicate && err.(*Refusal).Index != w.model.seen[describe(q)] {
				t.Fatalf("seed %d, request %d: %v, the model says %d", seed, i, err, w.model.seen[describe(q)])
			}
			if sum, _ := l.Audit(); sum != l.Supply() || sum != nat(w.model.supply()) {
				t.Fatalf("seed %d, request %d: balances %s, supply %s, the model's %d", seed, i, sum, l.Supply(), w.model.supply())
			}
		}
		w.compare(t, h, now)
	}
	for k := BadFee; k <= GenericError; k++ {
		if verdicts[k] == 0 && k != TemporarilyUnavailable {
			t.Errorf("no request was refused with %v", k)
		}
	}
	if verdicts[0] < rounds*requests/10 {
		t.Errorf("only %d requests were granted", verdicts[0])
	}
}

func kindOf(err error) Kind {
	if r, ok := errors.AsType[*Refusal](err); ok {
		return r.Kind
	}
	if err != nil {
		panic(err)
	}
	return 0
}

// compare checks every balance and allowance.
func (w *world) compare(t *testing.T, h *heap, now uint64) {
	t.Helper()
	l, err := Open(h)
	if err != nil {
		t.Fatal(err)
	}
	for a, want := range w.model.balances {
		if got := l.Balance(a); got != nat(want) {
			t.Errorf("%v holds %s, the model says %d", a, got, want)
		}
	}
	for pair := range w.model.allowances {
		want := w.model.allowance(pair[0], pair[1], now)
		if got := l.Allowance(pair[0], pair[1], now).Amount; got != nat(want.amount) {
			t.Errorf("allowance %v is %s, the model says %d", pair, got, want.amount)
		}
	}
}
