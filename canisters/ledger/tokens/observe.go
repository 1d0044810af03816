package tokens

// Operation is what a transaction did.
type Operation uint8

// The operations.
const (
	Minted Operation = iota + 1
	Burnt
	Moved
	Approved
)

// Transaction is one that happened, for ledgers that keep blocks.
type Transaction struct {
	Index     uint64
	Time      uint64 // ns since 1970
	Operation Operation
	From, To  Account  // From is unset where tokens were minted, To where they were burnt; To is the spender of an approval
	Spender   *Account // who moved the tokens of From by an allowance
	Amount    Amount
	Fee       Amount // what it cost From
	Expected  *Amount
	Expires   *uint64
	Common    // as the caller gave them
}

// Observe has f called with every transaction from now on, after it happened and before
// its index is returned. The ledger keeps no blocks itself.
func (l *Ledger) Observe(f func(Transaction)) { l.observe = f }

func (l *Ledger) tell(t Transaction) {
	if l.observe == nil {
		return
	}
	switch {
	case t.Operation != 0:
	case t.From == l.config.Minting:
		t.Operation, t.From = Minted, Account{}
	case t.To == l.config.Minting:
		t.Operation, t.To = Burnt, Account{}
	default:
		t.Operation = Moved
	}
	l.observe(t)
}
