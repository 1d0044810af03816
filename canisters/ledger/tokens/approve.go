package tokens

// Approve is a request of ICRC-2: the spender may move so much of the caller's account.
type Approve struct {
	FromSub  [32]byte
	Spender  Account
	Amount   Amount
	Expected *Amount // the allowance must be this now
	Expires  *uint64 // ns since 1970
	Common
}

// Allowance is what a spender may still move, fees included. Expires is in ns since 1970,
// 0 for never.
type Allowance struct {
	Amount  Amount
	Expires uint64
}

// Allowance is what spender may move of an account now.
func (l *Ledger) Allowance(account, spender Account, now uint64) Allowance {
	v, ok := l.store.Get(allowanceKey(account, spender))
	if !ok {
		return Allowance{}
	}
	a := must(decodeAllowance(v))
	if a.Expires != 0 && a.Expires <= now {
		return Allowance{}
	}
	return a
}

func (l *Ledger) setAllowance(account, spender Account, a Allowance) {
	if a.Amount.IsZero() {
		l.store.Delete(allowanceKey(account, spender))
		return
	}
	l.store.Put(allowanceKey(account, spender), encodeAllowance(a))
}

// Approve replaces an allowance, for the fee, and returns the transaction's index. The
// error is a [Refusal]; then nothing has changed.
func (l *Ledger) Approve(c Caller, a Approve) (uint64, error) {
	from := Account{c.Owner, a.FromSub}
	p := newPayload('a', c.Owner).account(from).account(a.Spender).amount(a.Amount).optAmount(a.Expected).optTime(a.Expires)
	if err := l.mayApprove(from, a.Spender); err != nil {
		return 0, err
	}
	if err := l.check(c.Now, &a.Common, l.config.Fee, p); err != nil {
		return 0, err
	}
	if a.Expires != nil && *a.Expires <= c.Now {
		return 0, &Refusal{Kind: Expired, Time: c.Now}
	}
	if now := l.Allowance(from, a.Spender, c.Now).Amount; a.Expected != nil && *a.Expected != now {
		return 0, &Refusal{Kind: AllowanceChanged, Amount: now}
	}
	if balance := l.Balance(from); balance.Cmp(l.config.Fee) < 0 {
		return 0, &Refusal{Kind: InsufficientFunds, Amount: balance}
	}
	l.burn(from, l.config.Fee)
	allowed := Allowance{Amount: a.Amount}
	if a.Expires != nil {
		allowed.Expires = *a.Expires
	}
	l.setAllowance(from, a.Spender, allowed)
	index := l.done(c.Now, &a.Common, p)
	l.tell(Transaction{
		Index: index, Time: c.Now, Operation: Approved, From: from, To: a.Spender, Amount: a.Amount, Fee: l.config.Fee,
		Expected: a.Expected, Expires: a.Expires, Common: a.Common,
	})
	return index, nil
}

func (l *Ledger) mayApprove(from, spender Account) error {
	switch {
	case from == l.config.Minting:
		return generic(CodeAccount, "the minting account delegates nothing")
	case spender.Owner == from.Owner:
		return generic(CodeAccount, "an owner needs no approval of its own")
	}
	return checkAccount(spender)
}
