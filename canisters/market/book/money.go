package book

import (
	"encoding/binary"
	"fmt"
)

// AccountKind tells accounts apart. Numbers are never reused.
type AccountKind uint8

// The kinds of accounts. World and InFlight are debit accounts: their balances are never
// positive and stand for cycles that the canister holds or has sent out in a call that
// is not yet answered. All others are what the market owes, and never negative.
const (
	World      AccountKind = 1 // counter-account of cycles that came in and went out
	InFlight   AccountKind = 2 // cycles in calls that are not yet answered
	Treasury   AccountKind = 3
	Escrow     AccountKind = 4 // price of an open job
	Earned     AccountKind = 5 // of a provider's operator
	Royalty    AccountKind = 6 // of a model's publisher
	User       AccountKind = 7 // prepaid or refunded
	Withdrawal AccountKind = 8 // on its way out
)

// Account is one account: of a kind, and of a principal or a number where the kind has
// many.
type Account struct {
	Kind  AccountKind
	Owner Principal // of Earned, Royalty, User
	ID    uint64    // job of Escrow, withdrawal of Withdrawal
}

func (a Account) key() []byte {
	return append(binary.BigEndian.AppendUint64([]byte{'B', byte(a.Kind)}, a.ID), a.Owner...)
}

func accountOf(key []byte) Account {
	return Account{Kind: AccountKind(key[1]), ID: binary.BigEndian.Uint64(key[2:]), Owner: Principal(key[10:])}
}

// Posting moves an account's balance: credit positive, which is what the market owes.
type Posting struct {
	Account Account
	Amount  int64
}

// Entry is one balanced movement of money. Entries are never changed; a repair is a new
// entry.
type Entry struct {
	Seq      uint64
	At       Time
	Job      uint64 // zero when it belongs to none
	Kind     string
	Postings []Posting
}

func (x Entry) encode() []byte {
	var e encoder
	e.u64(x.Seq).u64(x.At).u64(x.Job).str(x.Kind).u32(uint32(len(x.Postings)))
	for _, p := range x.Postings {
		e.u8(uint8(p.Account.Kind)).u64(p.Account.ID).str(string(p.Account.Owner)).u64(uint64(p.Amount))
	}
	return e.record(1)
}

func decodeMoney(v []byte) (Entry, error) {
	d := decode(v, 1)
	x := Entry{Seq: d.u64(), At: d.u64(), Job: d.u64(), Kind: d.str()}
	for range d.count(21) {
		x.Postings = append(x.Postings, Posting{Account{Kind: AccountKind(d.u8()), ID: d.u64(), Owner: Principal(d.str())}, int64(d.u64())})
	}
	return x, d.end()
}

func debit(a Account, n Cycles) Posting  { return Posting{a, -int64(n)} }
func credit(a Account, n Cycles) Posting { return Posting{a, int64(n)} }

// post appends one entry and moves the balances. An unbalanced entry, or one that would
// overdraw an account, is a bug here and stops the message.
func (b *Book) post(now Time, job uint64, kind string, postings ...Posting) {
	var kept []Posting
	sum := int64(0)
	for _, p := range postings {
		if p.Amount == 0 {
			continue
		}
		kept = append(kept, p)
		sum += p.Amount
	}
	if sum != 0 {
		panic(fmt.Sprintf("market book: entry %q of job %d is out of balance by %d", kind, job, sum))
	}
	if len(kept) == 0 {
		return
	}
	for _, p := range kept {
		b.move(p, kind)
	}
	seq := b.next("entry")
	b.store.Put(numKey('L', seq), Entry{seq, now, job, kind, kept}.encode())
}

func (b *Book) move(p Posting, kind string) {
	n := b.balance(p.Account) + p.Amount
	if debitKind := p.Account.Kind == World || p.Account.Kind == InFlight; n > 0 && debitKind || n < 0 && !debitKind {
		panic(fmt.Sprintf("market book: entry %q overdraws account %d/%d by %d", kind, p.Account.Kind, p.Account.ID, n))
	}
	key := p.Account.key()
	if n == 0 {
		b.store.Delete(key)
		return
	}
	b.store.Put(key, binary.BigEndian.AppendUint64(nil, uint64(n)))
}

func (b *Book) balance(a Account) int64 {
	v, ok := b.store.Get(a.key())
	if !ok {
		return 0
	}
	return int64(binary.BigEndian.Uint64(v))
}

// Owed is what the market must be able to pay out of its liquid cycles at once: by the
// entries, exactly the cycles that it holds for others.
func (b *Book) Owed() Cycles { return Cycles(-b.balance(Account{Kind: World})) }

// Covered reports whether the canister's liquid cycles carry what it owes and the
// reserve.
func (b *Book) Covered(liquid Cycles) bool {
	owed, reserve := b.Owed(), b.Parameters().Reserve
	return liquid >= owed && liquid-owed >= reserve
}

// purses are the accounts that a principal may spend from, in this order.
func purses(p Principal) [3]Account {
	return [3]Account{{Kind: User, Owner: p}, {Kind: Earned, Owner: p}, {Kind: Royalty, Owner: p}}
}

// Balance is what a principal may spend on jobs or withdraw: deposits, refunds,
// earnings and royalties.
func (b *Book) Balance(p Principal) Cycles {
	n := Cycles(0)
	for _, a := range purses(p) {
		n += Cycles(b.balance(a))
	}
	return n
}

// spend lists the debits that take n from a principal's purses.
func (b *Book) spend(p Principal, n Cycles) ([]Posting, error) {
	if have := b.Balance(p); have < n {
		return nil, failRetry(NoFunds, "the balance is %d cycles, %d are needed; deposit(for) by a canister adds to it", have, n)
	}
	var out []Posting
	for _, a := range purses(p) {
		part := min(n, Cycles(b.balance(a)))
		out = append(out, debit(a, part))
		n -= part
	}
	return out, nil
}

// Deposit credits the attached cycles to a principal. The edge accepts exactly what it
// returns.
func (b *Book) Deposit(c Call, to Principal) (Cycles, Effects, error) {
	var fx Effects
	if err := checkPrincipal("the depositor's beneficiary", to); err != nil {
		return 0, fx, err
	}
	if c.Attached == 0 {
		return 0, fx, fail(NoFunds, "no cycles are attached; only canisters can attach any")
	}
	if err := b.room(c.Attached); err != nil {
		return 0, fx, err
	}
	b.wake(c.Now, &fx)
	b.post(c.Now, 0, "deposit", debit(Account{Kind: World}, c.Attached), credit(Account{Kind: User, Owner: to}, c.Attached))
	b.event(c.Now, 0, "deposited", fmt.Sprintf("%d cycles", c.Attached))
	return c.Attached, fx, nil
}

// room refuses money beyond what amounts can count.
func (b *Book) room(n Cycles) error {
	if n > MaxCycles || b.Owed()+n > MaxCycles {
		return fail(TooLarge, "the market holds at most %d cycles in all", MaxCycles)
	}
	return nil
}

// AccountBalance is one line of the books.
type AccountBalance struct {
	Account Account
	Balance int64
}

// Books is the state of all accounts. Sum is computed over every account, also those
// beyond the listed ones; it is zero.
type Books struct {
	Accounts []AccountBalance
	Sum      int64
	Entries  uint64
	Owed     Cycles
	Reserve  Cycles
	Liquid   Cycles
	Covered  bool
}

// MaxListedAccounts bounds a reply with the books.
const MaxListedAccounts = 10_000

// Books adds up every account.
func (b *Book) Books(liquid Cycles) Books {
	out := Books{Entries: b.counter("entry"), Owed: b.Owed(), Reserve: b.Parameters().Reserve, Liquid: liquid, Covered: b.Covered(liquid)}
	b.scan([]byte{'B'}, []byte{'B'}, func(k, v []byte) bool {
		n := int64(binary.BigEndian.Uint64(v))
		out.Sum += n
		if len(out.Accounts) < MaxListedAccounts {
			out.Accounts = append(out.Accounts, AccountBalance{accountOf(k), n})
		}
		return true
	})
	return out
}

// Entries lists the money log from an entry's number on, at most limit.
func (b *Book) Entries(from uint64, limit int) []Entry {
	var out []Entry
	b.scan([]byte{'L'}, numKey('L', from), func(_, v []byte) bool {
		if len(out) >= limit {
			return false
		}
		x, err := decodeMoney(v)
		must("entry", err)
		out = append(out, x)
		return true
	})
	return out
}
