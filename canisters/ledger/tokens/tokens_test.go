package tokens

import (
	"bytes"
	"errors"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"assay/ic/candid"
)

// heap is a store in a sorted slice.
type heap struct {
	keys   []string
	values map[string][]byte
}

func (h *heap) Get(key []byte) ([]byte, bool) { v, ok := h.values[string(key)]; return v, ok }

func (h *heap) Put(key, value []byte) {
	k := string(key)
	if h.values == nil {
		h.values = map[string][]byte{}
	}
	if at, ok := slices.BinarySearch(h.keys, k); !ok {
		h.keys = slices.Insert(h.keys, at, k)
	}
	h.values[k] = bytes.Clone(value)
}

func (h *heap) Delete(key []byte) {
	if at, ok := slices.BinarySearch(h.keys, string(key)); ok {
		h.keys = slices.Delete(h.keys, at, at+1)
		delete(h.values, string(key))
	}
}

func (h *heap) Scan(from []byte, visit func(key, value []byte) bool) {
	at, _ := slices.BinarySearchFunc(h.keys, string(from), strings.Compare)
	for _, k := range slices.Clone(h.keys[at:]) {
		if !visit([]byte(k), h.values[k]) {
			return
		}
	}
}

// copy is what a ledger's store holds.
func (h *heap) copy() map[string][]byte {
	out := map[string][]byte{}
	for k, v := range h.values {
		out[k] = bytes.Clone(v)
	}
	return out
}

const (
	fee    = 10
	window = 1000
	drift  = 50
	start  = 1_000_000 // ns: when the tests begin
)

func nat(n uint64) Amount { return candid.NewNat(n) }

func holder(name string) Account { return Account{Owner: name} }

var mint = holder("mint")

func testConfig() Config {
	return Config{Name: "Test", Symbol: "TST", Decimals: 8, Fee: nat(fee), Minting: mint, Window: window, Drift: drift}
}

// newLedger has 1000 tokens with alice, 5 with poor, and an allowance of 500 from alice
// to bob without end and of 500 to carol until start+100.
func newLedger(t *testing.T) (*Ledger, *heap) {
	t.Helper()
	h := &heap{}
	l, err := Create(h, testConfig(), []Holding{{holder("alice"), nat(1000)}, {holder("poor"), nat(5)}})
	if err != nil {
		t.Fatal(err)
	}
	for i, spender := range []string{"bob", "carol"} {
		a := Approve{Spender: holder(spender), Amount: nat(500)}
		if i == 1 {
			a.Expires = new(uint64(start + 100))
		}
		if _, err := l.Approve(Caller{"alice", start}, a); err != nil {
			t.Fatal(err)
		}
	}
	return l, h
}

// audit checks that the balances add up, also in a ledger opened anew.
func audit(t *testing.T, l *Ledger, h *heap) {
	t.Helper()
	again, err := Open(h)
	if err != nil {
		t.Fatal(err)
	}
	sum, _ := l.Audit()
	if sum != l.Supply() || sum != again.Supply() {
		t.Errorf("balances add up to %s, the supply is %s, stored %s", sum, l.Supply(), again.Supply())
	}
	if diff := cmp.Diff(l.head, again.head, cmp.AllowUnexported(head{})); diff != "" {
		t.Errorf("head (-memory +stored):\n%s", diff)
	}
}

// at fills a request's shared fields.
func at(created uint64) Common { return Common{Created: &created} }

func refused(k Kind) *Refusal { return &Refusal{Kind: k} }

func sized(k Kind, n uint64) *Refusal { return &Refusal{Kind: k, Amount: nat(n)} }

func account(a Account, sub byte) Account { a.Sub[31] = sub; return a }

// row is one rule of the standards: what is asked, by whom and when, and what comes of it.
type row struct {
	name   string
	who    string
	now    uint64 // after start
	do     any    // Transfer, TransferFrom, Approve
	want   *Refusal
	after  map[Account]uint64 // balances, where nothing is refused
	supply uint64             // 0: as before
}

func do(l *Ledger, c Caller, request any) (uint64, error) {
	switch r := request.(type) {
	case Transfer:
		return l.Transfer(c, r)
	case TransferFrom:
		return l.TransferFrom(c, r)
	case Approve:
		return l.Approve(c, r)
	}
	panic("no request")
}

var alice, bob, dave = holder("alice"), holder("bob"), holder("dave")

var transferRules = []row{
	{"moves the amount and burns the fee", "alice", 0, Transfer{To: bob, Amount: nat(100)}, nil, map[Account]uint64{alice: 870, bob: 100}, 975},
	{"an explicit fee that agrees", "alice", 0, Transfer{To: bob, Amount: nat(100), Common: Common{Fee: new(nat(fee))}}, nil, map[Account]uint64{alice: 870}, 975},
	{"nothing may be moved, for the fee", "alice", 0, Transfer{To: bob}, nil, map[Account]uint64{alice: 970, bob: 0}, 975},
	{"all but the fee", "alice", 0, Transfer{To: bob, Amount: nat(970)}, nil, map[Account]uint64{alice: 0, bob: 970}, 975},
	{"to oneself costs the fee", "alice", 0, Transfer{To: alice, Amount: nat(100)}, nil, map[Account]uint64{alice: 970}, 975},
	{"to a subaccount of its own", "alice", 0, Transfer{To: account(alice, 1), Amount: nat(100)}, nil, map[Account]uint64{alice: 870, account(alice, 1): 100}, 975},
	{"another fee", "alice", 0, Transfer{To: bob, Amount: nat(1), Common: Common{Fee: new(nat(11))}}, sized(BadFee, fee), nil, 0},
	{"no fee where there is one", "alice", 0, Transfer{To: bob, Amount: nat(1), Common: Common{Fee: new(nat(0))}}, sized(BadFee, fee), nil, 0},
	{"not covered with the fee", "alice", 0, Transfer{To: bob, Amount: nat(971)}, sized(InsufficientFunds, 980), nil, 0},
	{"far more than there is", "alice", 0, Transfer{To: bob, Amount: Amount{Hi: ^uint64(0), Lo: ^uint64(0)}}, sized(InsufficientFunds, 980), nil, 0},
	{"from an empty subaccount", "alice", 0, Transfer{FromSub: [32]byte{9}, To: bob, Amount: nat(1)}, sized(InsufficientFunds, 0), nil, 0},
	{"the longest memo", "alice", 0, Transfer{To: bob, Amount: nat(1), Common: Common{Memo: new(make([]byte, MaxMemo))}}, nil, map[Account]uint64{bob: 1}, 975},
	{"a longer memo", "alice", 0, Transfer{To: bob, Amount: nat(1), Common: Common{Memo: new(make([]byte, MaxMemo+1))}}, refused(GenericError), nil, 0},
	{"an impossible owner", "alice", 0, Transfer{To: holder(strings.Repeat("x", 30)), Amount: nat(1)}, refused(GenericError), nil, 0},

	{"minting makes tokens without a fee", "mint", 0, Transfer{To: bob, Amount: nat(7)}, nil, map[Account]uint64{bob: 7}, 992},
	{"minting with a fee", "mint", 0, Transfer{To: bob, Amount: nat(7), Common: Common{Fee: new(nat(fee))}}, sized(BadFee, 0), nil, 0},
	{"minting more than can be counted", "mint", 0, Transfer{To: bob, Amount: Amount{Hi: ^uint64(0), Lo: ^uint64(0)}}, refused(GenericError), nil, 0},
	{"minting to the minting account", "mint", 0, Transfer{To: mint, Amount: nat(7)}, refused(GenericError), nil, 0},
	{"a subaccount of the minter is not the minting account", "mint", 0, Transfer{FromSub: [32]byte{1}, To: bob, Amount: nat(7)}, sized(InsufficientFunds, 0), nil, 0},
	{"burning has no fee", "alice", 0, Transfer{To: mint, Amount: nat(100)}, nil, map[Account]uint64{alice: 880}, 885},
	{"burning with a fee", "alice", 0, Transfer{To: mint, Amount: nat(100), Common: Common{Fee: new(nat(fee))}}, sized(BadFee, 0), nil, 0},
	{"burning less than the fee", "alice", 0, Transfer{To: mint, Amount: nat(9)}, sized(BadBurn, fee), nil, 0},
	{"burning a small balance whole", "poor", 0, Transfer{To: mint, Amount: nat(5)}, nil, map[Account]uint64{holder("poor"): 0}, 980},
	{"burning a part of a small balance", "poor", 0, Transfer{To: mint, Amount: nat(4)}, sized(BadBurn, 5), nil, 0},
	{"burning nothing", "dave", 0, Transfer{To: mint}, sized(BadBurn, fee), nil, 0},
	{"burning more than there is", "alice", 0, Transfer{To: mint, Amount: nat(981)}, sized(InsufficientFunds, 980), nil, 0},

	{"made just now", "alice", 0, Transfer{To: bob, Amount: nat(1), Common: at(start)}, nil, map[Account]uint64{bob: 1}, 975},
	{"as old as is allowed", "alice", 0, Transfer{To: bob, Amount: nat(1), Common: at(start - window - drift)}, nil, map[Account]uint64{bob: 1}, 975},
	{"too old", "alice", 0, Transfer{To: bob, Amount: nat(1), Common: at(start - window - drift - 1)}, refused(TooOld), nil, 0},
	{"from the beginning of time", "alice", 0, Transfer{To: bob, Amount: nat(1), Common: at(0)}, refused(TooOld), nil, 0},
	{"as far ahead as is allowed", "alice", 0, Transfer{To: bob, Amount: nat(1), Common: at(start + drift)}, nil, map[Account]uint64{bob: 1}, 975},
	{"from the future", "alice", 0, Transfer{To: bob, Amount: nat(1), Common: at(start + drift + 1)}, &Refusal{Kind: CreatedInFuture, Time: start}, nil, 0},
	{"from the end of time", "alice", 0, Transfer{To: bob, Amount: nat(1), Common: at(^uint64(0))}, &Refusal{Kind: CreatedInFuture, Time: start}, nil, 0},
	{"a wrong fee is said before a wrong time", "alice", 0, Transfer{To: bob, Common: Common{Fee: new(nat(1)), Created: new(uint64(0))}}, sized(BadFee, fee), nil, 0},
}

var approveRules = []row{
	{"costs the fee alone", "alice", 0, Approve{Spender: dave, Amount: nat(5000)}, nil, map[Account]uint64{alice: 970}, 975},
	{"replaces", "alice", 0, Approve{Spender: bob, Amount: nat(1)}, nil, map[Account]uint64{alice: 970}, 975},
	{"as expected", "alice", 0, Approve{Spender: bob, Amount: nat(1), Expected: new(nat(500))}, nil, map[Account]uint64{alice: 970}, 975},
	{"none expected, none there", "alice", 0, Approve{Spender: dave, Amount: nat(1), Expected: new(nat(0))}, nil, map[Account]uint64{alice: 970}, 975},
	{"not as expected", "alice", 0, Approve{Spender: bob, Amount: nat(1), Expected: new(nat(499))}, sized(AllowanceChanged, 500), nil, 0},
	{"an expired one counts as none", "alice", 100, Approve{Spender: holder("carol"), Amount: nat(1), Expected: new(nat(500))}, sized(AllowanceChanged, 0), nil, 0},
	{"expires in a moment", "alice", 0, Approve{Spender: bob, Amount: nat(1), Expires: new(uint64(start + 1))}, nil, map[Account]uint64{alice: 970}, 975},
	{"expires now", "alice", 0, Approve{Spender: bob, Amount: nat(1), Expires: new(uint64(start))}, &Refusal{Kind: Expired, Time: start}, nil, 0},
	{"expired already", "alice", 7, Approve{Spender: bob, Amount: nat(1), Expires: new(uint64(5))}, &Refusal{Kind: Expired, Time: start + 7}, nil, 0},
	{"cannot pay the fee", "poor", 0, Approve{Spender: bob, Amount: nat(1)}, sized(InsufficientFunds, 5), nil, 0},
	{"another fee", "alice", 0, Approve{Spender: bob, Common: Common{Fee: new(nat(9))}}, sized(BadFee, fee), nil, 0},
	{"for oneself", "alice", 0, Approve{Spender: alice, Amount: nat(1)}, refused(GenericError), nil, 0},
	{"for a subaccount of one's own", "alice", 0, Approve{Spender: account(alice, 1), Amount: nat(1)}, refused(GenericError), nil, 0},
	{"of the minting account", "mint", 0, Approve{Spender: bob, Amount: nat(1)}, refused(GenericError), nil, 0},
	{"for an impossible owner", "alice", 0, Approve{Spender: holder(strings.Repeat("x", 30))}, refused(GenericError), nil, 0},
	{"a longer memo", "alice", 0, Approve{Spender: bob, Common: Common{Memo: new(make([]byte, MaxMemo+1))}}, refused(GenericError), nil, 0},
	{"too old", "alice", 0, Approve{Spender: bob, Common: at(0)}, refused(TooOld), nil, 0},
	{"from the future", "alice", 0, Approve{Spender: bob, Common: at(start + drift + 1)}, &Refusal{Kind: CreatedInFuture, Time: start}, nil, 0},
}

var transferFromRules = []row{
	{"moves and burns the fee", "bob", 0, TransferFrom{From: alice, To: dave, Amount: nat(100)}, nil, map[Account]uint64{alice: 870, dave: 100}, 975},
	{"the whole allowance, fee included", "bob", 0, TransferFrom{From: alice, To: bob, Amount: nat(490)}, nil, map[Account]uint64{alice: 480, bob: 490}, 975},
	{"the allowance without the fee", "bob", 0, TransferFrom{From: alice, To: bob, Amount: nat(491)}, sized(InsufficientAllowance, 500), nil, 0},
	{"without an allowance", "dave", 0, TransferFrom{From: alice, To: dave, Amount: nat(1)}, sized(InsufficientAllowance, 0), nil, 0},
	{"as another subaccount", "bob", 0, TransferFrom{SpenderSub: [32]byte{1}, From: alice, To: dave, Amount: nat(1)}, sized(InsufficientAllowance, 0), nil, 0},
	{"from another subaccount", "bob", 0, TransferFrom{From: account(alice, 1), To: dave, Amount: nat(1)}, sized(InsufficientAllowance, 0), nil, 0},
	{"the last moment of an allowance", "carol", 99, TransferFrom{From: alice, To: dave, Amount: nat(100)}, nil, map[Account]uint64{alice: 870}, 975},
	{"an allowance that has just expired", "carol", 100, TransferFrom{From: alice, To: dave, Amount: nat(100)}, sized(InsufficientAllowance, 0), nil, 0},
	{"of one's own needs no allowance", "alice", 0, TransferFrom{From: alice, To: dave, Amount: nat(100)}, nil, map[Account]uint64{alice: 870, dave: 100}, 975},
	{"burning by allowance has no fee", "bob", 0, TransferFrom{From: alice, To: mint, Amount: nat(500)}, nil, map[Account]uint64{alice: 480}, 485},
	{"burning too little by allowance", "bob", 0, TransferFrom{From: alice, To: mint, Amount: nat(1)}, sized(BadBurn, fee), nil, 0},
	{"minting for another", "bob", 0, TransferFrom{From: mint, To: bob, Amount: nat(1)}, refused(GenericError), nil, 0},
	{"another fee", "bob", 0, TransferFrom{From: alice, To: dave, Amount: nat(1), Common: Common{Fee: new(nat(0))}}, sized(BadFee, fee), nil, 0},
	{"too old", "bob", 0, TransferFrom{From: alice, To: dave, Amount: nat(1), Common: at(0)}, refused(TooOld), nil, 0},
	{"from the future", "bob", 0, TransferFrom{From: alice, To: dave, Common: at(start + drift + 1)}, &Refusal{Kind: CreatedInFuture, Time: start}, nil, 0},
	{"a longer memo", "bob", 0, TransferFrom{From: alice, To: dave, Common: Common{Memo: new(make([]byte, MaxMemo+1))}}, refused(GenericError), nil, 0},
	{"from an impossible owner", "bob", 0, TransferFrom{From: holder(strings.Repeat("x", 30)), To: dave}, refused(GenericError), nil, 0},
}

func TestRules(t *testing.T) {
	for name, rows := range map[string][]row{"transfer": transferRules, "approve": approveRules, "transfer from": transferFromRules} {
		for _, r := range rows {
			t.Run(name+"/"+r.name, func(t *testing.T) { r.run(t) })
		}
	}
}

func (r row) run(t *testing.T) {
	t.Parallel()
	l, h := newLedger(t)
	before := h.copy()
	index, err := do(l, Caller{r.who, start + r.now}, r.do)
	audit(t, l, h)
	if r.want != nil {
		checkRefusal(t, err, r.want)
		if diff := cmp.Diff(before, h.copy()); diff != "" {
			t.Errorf("refused, yet the store changed:\n%s", diff)
		}
		return
	}
	if err != nil || index != 4 {
		t.Fatalf("index %d, %v; want the fifth transaction", index, err)
	}
	for a, want := range r.after {
		if got := l.Balance(a); got != nat(want) {
			t.Errorf("%s holds %s, want %d", a.Owner, got, want)
		}
	}
	if l.Supply() != nat(r.supply) {
		t.Errorf("supply %s, want %d", l.Supply(), r.supply)
	}
}

// checkRefusal compares all but the text of a generic error.
func checkRefusal(t *testing.T, err error, want *Refusal) {
	t.Helper()
	var got *Refusal
	if !errors.As(err, &got) {
		t.Fatalf("error %v, want %v", err, want)
	}
	plain := *got
	if got.Kind == GenericError {
		plain.Code, plain.Message = 0, ""
	}
	if plain != *want {
		t.Errorf("refused with %v, want %v", got, want)
	}
}

func TestAllowanceLeft(t *testing.T) {
	l, h := newLedger(t)
	check := func(spender string, now, want, expires uint64) {
		t.Helper()
		if got := l.Allowance(alice, holder(spender), now); got != (Allowance{nat(want), expires}) {
			t.Errorf("allowance of %s: %+v, want %d until %d", spender, got, want, expires)
		}
	}
	check("bob", start, 500, 0)
	check("carol", start+99, 500, start+100)
	check("carol", start+100, 0, 0)
	for i, want := range []uint64{390, 280} {
		if _, err := l.TransferFrom(Caller{"carol", start}, TransferFrom{From: alice, To: dave, Amount: nat(100)}); err != nil {
			t.Fatal(i, err)
		}
		check("carol", start, want, start+100)
	}
	if _, err := l.TransferFrom(Caller{"bob", start}, TransferFrom{From: alice, To: bob, Amount: nat(490)}); err != nil {
		t.Fatal(err)
	}
	check("bob", start, 0, 0)
	if _, ok := h.Get(allowanceKey(alice, bob)); ok {
		t.Error("a spent allowance is still stored")
	}
	if _, err := l.Approve(Caller{"alice", start}, Approve{Spender: holder("carol")}); err != nil {
		t.Fatal(err)
	}
	check("carol", start, 0, 0)
	audit(t, l, h)
}

// An allowance larger than the account holds is still bounded by it.
func TestAllowanceBeyondFunds(t *testing.T) {
	l, h := newLedger(t)
	if _, err := l.Approve(Caller{"alice", start}, Approve{Spender: dave, Amount: nat(5000)}); err != nil {
		t.Fatal(err)
	}
	_, err := l.TransferFrom(Caller{"dave", start}, TransferFrom{From: alice, To: dave, Amount: nat(961)})
	checkRefusal(t, err, sized(InsufficientFunds, 970))
	if got := l.Allowance(alice, dave, start).Amount; got != nat(5000) {
		t.Errorf("a refused transfer left an allowance of %s", got)
	}
	audit(t, l, h)
}

// Repeats are recognised by every field and the caller, while they are young enough.
func TestRepeats(t *testing.T) {
	l, h := newLedger(t)
	base := Transfer{To: bob, Amount: nat(1), Common: Common{Created: new(uint64(start)), Memo: new([]byte("m"))}}
	with := func(change func(*Transfer)) Transfer { r := base; change(&r); return r }
	must := func(now uint64, r Transfer) uint64 {
		t.Helper()
		index, err := l.Transfer(Caller{"alice", now}, r)
		if err != nil {
			t.Fatal(err)
		}
		return index
	}
	first := must(start, base)
	repeat := &Refusal{Kind: Duplicate, Index: first}
	_, err := l.Transfer(Caller{"alice", start + 10}, base)
	checkRefusal(t, err, repeat)
	for name, other := range map[string]Transfer{
		"memo":    with(func(r *Transfer) { r.Memo = new([]byte("n")) }),
		"no memo": with(func(r *Transfer) { r.Memo = nil }),
		"empty":   with(func(r *Transfer) { r.Memo = new([]byte{}) }),
		"time":    with(func(r *Transfer) { r.Created = new(uint64(start + 1)) }),
		"fee":     with(func(r *Transfer) { r.Fee = new(nat(fee)) }),
		"to":      with(func(r *Transfer) { r.To = dave }),
		"amount":  with(func(r *Transfer) { r.Amount = nat(2) }),
	} {
		if must(start, other) == first {
			t.Errorf("another %s is taken for a repeat", name)
		}
	}
	_, err = l.Transfer(Caller{"bob", start}, base) // another caller: not a repeat, but broke
	checkRefusal(t, err, sized(InsufficientFunds, 8))
	untimed := with(func(r *Transfer) { r.Created = nil })
	if once, twice := must(start, untimed), must(start, untimed); once == twice {
		t.Error("transfers without a time are two transfers")
	}
	_, err = l.Transfer(Caller{"alice", start + window + drift}, base)
	checkRefusal(t, err, repeat)
	_, err = l.Transfer(Caller{"alice", start + window + drift + 1}, base)
	checkRefusal(t, err, refused(TooOld))
	if l.head.repeats != 8 {
		t.Errorf("%d repeats are remembered, want 8", l.head.repeats)
	}
	must(start+2*window, untimed)
	if l.head.repeats != 0 || len(h.keys) == 0 {
		t.Errorf("%d repeats are remembered after their time", l.head.repeats)
	}
	audit(t, l, h)
}

// Approvals and transfers by allowance are recognised as repeats too.
func TestRepeatsOfApprovals(t *testing.T) {
	l, _ := newLedger(t)
	a := Approve{Spender: dave, Amount: nat(50), Common: at(start)}
	index, err := l.Approve(Caller{"alice", start}, a)
	if err != nil {
		t.Fatal(err)
	}
	_, err = l.Approve(Caller{"alice", start}, a)
	checkRefusal(t, err, &Refusal{Kind: Duplicate, Index: index})
	f := TransferFrom{From: alice, To: dave, Amount: nat(40), Common: at(start)}
	if index, err = l.TransferFrom(Caller{"dave", start}, f); err != nil {
		t.Fatal(err)
	}
	_, err = l.TransferFrom(Caller{"dave", start}, f) // the allowance is gone, and still it is a repeat
	checkRefusal(t, err, &Refusal{Kind: Duplicate, Index: index})
}

// A full memory of repeats refuses timed requests alone, until old ones can be forgotten.
func TestTooManyRepeats(t *testing.T) {
	l, _ := newLedger(t)
	if _, err := l.Transfer(Caller{"alice", start}, Transfer{To: bob, Amount: nat(1), Common: at(start)}); err != nil {
		t.Fatal(err)
	}
	l.head.repeats = maxRepeats
	timed := func(now uint64) error {
		_, err := l.Transfer(Caller{"alice", now}, Transfer{To: bob, Amount: nat(1), Common: at(now)})
		return err
	}
	checkRefusal(t, timed(start+1), refused(TemporarilyUnavailable))
	if _, err := l.Transfer(Caller{"alice", start}, Transfer{To: bob, Amount: nat(1)}); err != nil {
		t.Error(err)
	}
	if err := timed(start + window + drift + 1); err != nil {
		t.Error(err)
	}
}

func TestCreate(t *testing.T) {
	_, h := newLedger(t)
	if _, err := Create(h, testConfig(), nil); err == nil {
		t.Error("a second ledger in one store")
	}
	if _, err := Open(&heap{}); err == nil {
		t.Error("opened an empty store")
	}
	for name, change := range map[string]func(*Config){
		"no name": func(c *Config) { c.Name = "" }, "long symbol": func(c *Config) { c.Symbol = strings.Repeat("x", 65) },
		"control": func(c *Config) { c.Name = "a\nb" }, "invalid text": func(c *Config) { c.Name = "\xff" },
		"owner": func(c *Config) { c.Minting.Owner = strings.Repeat("x", 30) }, "window": func(c *Config) { c.Window = maxDuration + 1 },
	} {
		c := testConfig()
		change(&c)
		if _, err := Create(&heap{}, c, nil); err == nil {
			t.Errorf("%s: created", name)
		}
	}
	for name, initial := range map[string][]Holding{
		"minting account": {{mint, nat(1)}},
		"overflow":        {{alice, Amount{Hi: ^uint64(0)}}, {bob, Amount{Hi: 1}}},
	} {
		if _, err := Create(&heap{}, testConfig(), initial); err == nil {
			t.Errorf("initial balances, %s: created", name)
		}
	}
}
