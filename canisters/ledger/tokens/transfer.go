package tokens

// Transfer is a request of ICRC-1. It mints if it comes from the minting account, burns
// if it goes there.
type Transfer struct {
	FromSub [32]byte
	To      Account
	Amount  Amount
	Common
}

// TransferFrom is a request of ICRC-2: the caller spends an allowance.
type TransferFrom struct {
	SpenderSub [32]byte
	From, To   Account
	Amount     Amount
	Common
}

// Transfer moves tokens of the caller and returns the transaction's index. The error is
// a [Refusal]; then nothing has changed.
func (l *Ledger) Transfer(c Caller, t Transfer) (uint64, error) {
	from := Account{c.Owner, t.FromSub}
	p := newPayload('t', c.Owner).account(from).account(t.To).amount(t.Amount)
	fee, err := l.cost(from, t.To)
	if err != nil {
		return 0, err
	}
	if err := l.check(c.Now, &t.Common, fee, p); err != nil {
		return 0, err
	}
	if err := l.move(from, t.To, t.Amount, fee); err != nil {
		return 0, err
	}
	index := l.done(c.Now, &t.Common, p)
	l.tell(Transaction{Index: index, Time: c.Now, From: from, To: t.To, Amount: t.Amount, Fee: fee, Common: t.Common})
	return index, nil
}

// TransferFrom moves tokens of another account within what that account has approved for
// the caller. The owner of the account needs no approval to spend as itself.
func (l *Ledger) TransferFrom(c Caller, t TransferFrom) (uint64, error) {
	spender := Account{c.Owner, t.SpenderSub}
	p := newPayload('f', c.Owner).account(spender).account(t.From).account(t.To).amount(t.Amount)
	if err := checkAccount(t.From); err != nil {
		return 0, err
	}
	fee, err := l.cost(t.From, t.To)
	if err != nil {
		return 0, err
	}
	if t.From == l.config.Minting && spender != t.From {
		return 0, generic(CodeAccount, "the minting account delegates nothing")
	}
	if err := l.check(c.Now, &t.Common, fee, p); err != nil {
		return 0, err
	}
	left, err := l.covered(c.Now, t.From, spender, t.Amount, fee)
	if err != nil {
		return 0, err
	}
	if err := l.move(t.From, t.To, t.Amount, fee); err != nil {
		return 0, err
	}
	if spender != t.From {
		l.setAllowance(t.From, spender, left)
	}
	index := l.done(c.Now, &t.Common, p)
	l.tell(Transaction{Index: index, Time: c.Now, From: t.From, To: t.To, Spender: &spender, Amount: t.Amount, Fee: fee, Common: t.Common})
	return index, nil
}

// covered is what an allowance has left after a transfer.
func (l *Ledger) covered(now uint64, from, spender Account, n, fee Amount) (Allowance, error) {
	if spender == from {
		return Allowance{}, nil
	}
	a := l.Allowance(from, spender, now)
	left, ok := a.Amount.Sub(n)
	if ok {
		left, ok = left.Sub(fee)
	}
	if !ok {
		return a, &Refusal{Kind: InsufficientAllowance, Amount: a.Amount}
	}
	return Allowance{left, a.Expires}, nil
}

// cost is the fee of a transfer between two accounts: none where tokens are made or burnt.
func (l *Ledger) cost(from, to Account) (Amount, error) {
	minting := l.config.Minting
	if err := checkAccount(to); err != nil {
		return Amount{}, err
	}
	switch {
	case from == minting && to == minting:
		return Amount{}, generic(CodeAccount, "the minting account cannot pay itself")
	case from == minting || to == minting:
		return Amount{}, nil
	}
	return l.config.Fee, nil
}

// move checks balances and changes them; the fee is burnt.
func (l *Ledger) move(from, to Account, n, fee Amount) error {
	if from == l.config.Minting {
		return l.mint(to, n)
	}
	balance := l.Balance(from)
	burning := to == l.config.Minting
	if least := l.leastBurn(balance); burning && n.Cmp(least) < 0 {
		return &Refusal{Kind: BadBurn, Amount: least}
	}
	rest, ok := balance.Sub(n)
	if ok {
		_, ok = rest.Sub(fee)
	}
	if !ok {
		return &Refusal{Kind: InsufficientFunds, Amount: balance}
	}
	if burning {
		l.burn(from, n)
		return nil
	}
	l.burn(from, fee)
	l.setBalance(from, first(l.Balance(from).Sub(n)))
	l.setBalance(to, first(l.Balance(to).Add(n)))
	return nil
}

// leastBurn is the fee, or a whole balance that is smaller, but never nothing.
func (l *Ledger) leastBurn(balance Amount) Amount {
	least := l.config.Fee
	if balance.Cmp(least) < 0 && !balance.IsZero() {
		least = balance
	}
	if least.IsZero() {
		return Amount{Lo: 1}
	}
	return least
}

func first(n Amount, _ bool) Amount { return n }
