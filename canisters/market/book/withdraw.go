package book

import "fmt"

const (
	// MinWithdrawal keeps a withdrawal worth more than the call that carries it.
	MinWithdrawal Cycles = 1e9
	// maxWithdrawals bounds those on their way, a half of what one queue holds.
	maxWithdrawals = 250
)

// Intent is a withdrawal on its way: the money is already taken from its owner, and the
// edge sends it and answers with [Book.WithdrawalDone].
type Intent struct {
	ID     uint64
	Owner  Principal
	To     Principal // a canister
	Amount Cycles
}

func (w Intent) encode() []byte {
	var e encoder
	return e.u64(w.ID).str(string(w.Owner)).str(string(w.To)).u64(w.Amount).record(1)
}

func decodeIntent(v []byte) (Intent, error) {
	d := decode(v, 1)
	w := Intent{ID: d.u64(), Owner: Principal(d.str()), To: Principal(d.str()), Amount: d.u64()}
	return w, d.end()
}

// Withdraw takes money from the caller's purses and notes that it leaves in a call.
func (b *Book) Withdraw(c Call, to Principal, amount Cycles) (Intent, Effects, error) {
	var fx Effects
	if err := checkPrincipal("the caller", c.Caller); err != nil {
		return Intent{}, fx, err
	}
	if err := checkPrincipal("the receiver", to); err != nil {
		return Intent{}, fx, err
	}
	if to[len(to)-1] != 1 {
		return Intent{}, fx, fail(BadInput, "cycles go to canisters alone, and the receiver is none")
	}
	if amount < MinWithdrawal {
		return Intent{}, fx, fail(BadInput, "%d cycles are less than the least withdrawal, %d", amount, MinWithdrawal)
	}
	if c.Liquid < amount {
		return Intent{}, fx, failRetry(Busy, "the market has %d liquid cycles; withdraw less or later", c.Liquid)
	}
	if b.counter("withdrawals") >= maxWithdrawals {
		return Intent{}, fx, failRetry(Busy, "%d withdrawals are on their way; try again later", maxWithdrawals)
	}
	postings, err := b.spend(c.Caller, amount)
	if err != nil {
		return Intent{}, fx, err
	}
	b.wake(c.Now, &fx)
	b.next("withdrawals")
	w := Intent{b.next("withdrawal"), c.Caller, to, amount}
	b.store.Put(numKey('T', w.ID), w.encode())
	b.post(c.Now, 0, "withdraw", append(postings, credit(Account{Kind: Withdrawal, ID: w.ID}, amount))...)
	b.post(c.Now, 0, "send", credit(Account{Kind: World}, amount), debit(Account{Kind: InFlight}, amount))
	b.event(c.Now, 0, "withdrawing", fmt.Sprintf("withdrawal %d of %d cycles", w.ID, amount))
	return w, fx, nil
}

// WithdrawalDone ends a withdrawal: arrived, or, when the call certainly moved nothing,
// returned to its owner. Of one whose end is unknown it is not called; it stays on its
// way, neither paid twice nor forgotten.
func (b *Book) WithdrawalDone(c Call, id uint64, arrived bool) Effects {
	var fx Effects
	v, ok := b.store.Get(numKey('T', id))
	if !ok {
		return fx
	}
	b.wake(c.Now, &fx)
	w, err := decodeIntent(v)
	must("withdrawal", err)
	b.store.Delete(numKey('T', id))
	b.setCounter("withdrawals", b.counter("withdrawals")-1)
	account := Account{Kind: Withdrawal, ID: id}
	if arrived {
		b.post(c.Now, 0, "withdrawn", debit(account, w.Amount), credit(Account{Kind: InFlight}, w.Amount))
		b.event(c.Now, 0, "withdrawn", fmt.Sprintf("withdrawal %d of %d cycles", id, w.Amount))
		return fx
	}
	b.post(c.Now, 0, "return", credit(Account{Kind: InFlight}, w.Amount), debit(Account{Kind: World}, w.Amount))
	b.post(c.Now, 0, "return", debit(account, w.Amount), credit(Account{Kind: User, Owner: w.Owner}, w.Amount))
	b.event(c.Now, 0, "withdrawal returned", fmt.Sprintf("withdrawal %d of %d cycles", id, w.Amount))
	return fx
}

// Withdrawals lists those on their way, in order.
func (b *Book) Withdrawals() []Intent {
	var out []Intent
	b.scan([]byte{'T'}, []byte{'T'}, func(_, v []byte) bool {
		w, err := decodeIntent(v)
		must("withdrawal", err)
		out = append(out, w)
		return true
	})
	return out
}
