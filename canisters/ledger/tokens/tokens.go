// Package tokens is the core of the ledger canister: balances, allowances and the rules
// of ICRC-1 and ICRC-2, over a key-value store.
//
// The edge in canisters/ledger calls it with who calls and what time it is, and turns a
// [Refusal] into the standards' error variants. It is pure, so tests and simulators run
// it natively. Blocks (ICRC-3) are not kept: a transaction's index is its number.
//
// The store; numbers are big-endian, amounts 16 bytes, an account is its owner's length,
// the owner and 32 bytes of subaccount; every value starts with version 1:
//
//	h                               supply, transactions so far, repeats remembered
//	c                               the configuration (record.go)
//	b account                       balance, above 0
//	a account spender               allowance above 0, expiry in ns (0: none)
//	d created_at_time sha256        index of the transaction with this time and payload
//
// At every step the balances add up to the supply: an operation moves both or neither.
package tokens

import (
	"fmt"
	"strings"

	"assay/ic/candid"
)

// Limits of what callers send.
const (
	MaxMemo      = 64 // bytes
	MaxPrincipal = 29
	maxText      = 64      // bytes of a name or symbol
	maxRepeats   = 1 << 20 // repeats remembered at a time: a busy day, 100 MB of stable memory
	maxForgotten = 64      // old repeats forgotten by one operation
	maxDuration  = 365 * 24 * 3600 * 1_000_000_000
)

// Amount is a number of the token's smallest unit. The supply is below 2^128.
type Amount = candid.Nat

// Account holds tokens. Owner is a principal's bytes; the default subaccount is all zeros.
type Account struct {
	Owner string
	Sub   [32]byte
}

// Store is the data, a sorted map.
type Store interface {
	Get(key []byte) ([]byte, bool)
	Put(key, value []byte)
	Delete(key []byte)
	Scan(from []byte, visit func(key, value []byte) bool)
}

// Config is fixed when a ledger is created.
type Config struct {
	Name, Symbol string
	Decimals     uint8
	Fee          Amount
	Minting      Account
	Window       uint64 // ns: how long repeats are recognised
	Drift        uint64 // ns: how far a caller's clock may be off
}

// Holding is a balance that a new ledger starts with.
type Holding struct {
	Account Account
	Amount  Amount
}

// Caller is who asks, and when in ns since 1970.
type Caller struct {
	Owner string
	Now   uint64
}

// Kind names a refusal as the standards do.
type Kind uint8

// The kinds of the standards' error variants.
const (
	BadFee Kind = iota + 1
	BadBurn
	InsufficientFunds
	InsufficientAllowance
	AllowanceChanged
	Expired
	TooOld
	CreatedInFuture
	Duplicate
	TemporarilyUnavailable
	GenericError
)

var kindNames = [...]string{"", "BadFee", "BadBurn", "InsufficientFunds", "InsufficientAllowance", "AllowanceChanged", "Expired", "TooOld", "CreatedInFuture", "Duplicate", "TemporarilyUnavailable", "GenericError"}

// String is the standards' name.
func (k Kind) String() string { return kindNames[k] }

// Codes of [GenericError].
const (
	CodeMemo     = 1 // the memo is too long
	CodeAccount  = 2 // an account cannot be used like this
	CodeOverflow = 3 // the supply would not fit 128 bits
)

// Refusal says why nothing happened.
type Refusal struct {
	Kind    Kind
	Amount  Amount // the expected fee, least burn, balance or allowance
	Time    uint64 // the ledger's time, of Expired and CreatedInFuture
	Index   uint64 // of the transaction that a Duplicate repeats
	Code    uint64 // of a GenericError
	Message string // of a GenericError
}

// Error is the kind and what belongs to it.
func (r *Refusal) Error() string {
	switch r.Kind {
	case BadFee, BadBurn, InsufficientFunds, InsufficientAllowance, AllowanceChanged:
		return r.Kind.String() + " " + r.Amount.String()
	case Expired, CreatedInFuture:
		return fmt.Sprintf("%s, ledger time %d", r.Kind, r.Time)
	case Duplicate:
		return fmt.Sprintf("%s of %d", r.Kind, r.Index)
	case GenericError:
		return fmt.Sprintf("%s %d: %s", r.Kind, r.Code, r.Message)
	}
	return r.Kind.String()
}

func generic(code uint64, format string, args ...any) *Refusal {
	return &Refusal{Kind: GenericError, Code: code, Message: fmt.Sprintf(format, args...)}
}

// Ledger is a token's state behind its store.
type Ledger struct {
	store   Store
	config  Config
	head    head
	observe func(Transaction)
}

// Create writes a new ledger into an empty store.
func Create(s Store, c Config, initial []Holding) (*Ledger, error) {
	return CreateObserved(s, c, initial, 0, nil)
}

// CreateObserved is [Create] at a time, telling observe of each endowment.
func CreateObserved(s Store, c Config, initial []Holding, now uint64, observe func(Transaction)) (*Ledger, error) {
	if _, ok := s.Get(keyHead); ok {
		return nil, fmt.Errorf("create ledger: the store already holds one")
	}
	if err := c.validate(); err != nil {
		return nil, fmt.Errorf("create ledger: %w", err)
	}
	l := &Ledger{store: s, config: c, observe: observe}
	for _, h := range initial {
		if err := l.endow(h, now); err != nil {
			return nil, fmt.Errorf("create ledger: %w", err)
		}
	}
	s.Put(keyConfig, c.encode())
	l.saveHead()
	return l, nil
}

// endow gives an account what it starts with.
func (l *Ledger) endow(h Holding, now uint64) error {
	if err := checkAccount(h.Account); err != nil {
		return err
	}
	if h.Account == l.config.Minting {
		return fmt.Errorf("the minting account holds no balance")
	}
	if err := l.mint(h.Account, h.Amount); err != nil {
		return err
	}
	l.tell(Transaction{Index: l.head.transactions, Time: now, Operation: Minted, To: h.Account, Amount: h.Amount})
	l.head.transactions++
	return nil
}

func (c *Config) validate() error {
	for _, s := range [...]string{c.Name, c.Symbol} {
		if s == "" || len(s) > maxText || strings.ContainsFunc(s, func(r rune) bool { return r < ' ' || r == 0x7f || r == 0xfffd }) {
			return fmt.Errorf("name and symbol have 1 to %d printable bytes", maxText)
		}
	}
	if c.Window > maxDuration || c.Drift > maxDuration {
		return fmt.Errorf("window and drift are at most a year")
	}
	return checkAccount(c.Minting)
}

func checkAccount(a Account) error {
	if len(a.Owner) > MaxPrincipal {
		return generic(CodeAccount, "an owner has %d bytes, a principal has at most %d", len(a.Owner), MaxPrincipal)
	}
	return nil
}

// Open reads the head of a ledger that [Create] wrote.
func Open(s Store) (*Ledger, error) {
	l := &Ledger{store: s}
	v, ok := s.Get(keyHead)
	c, found := s.Get(keyConfig)
	if !ok || !found {
		return nil, fmt.Errorf("open ledger: the store holds none")
	}
	var err error
	if l.head, err = decodeHead(v); err != nil {
		return nil, fmt.Errorf("open ledger: %w", err)
	}
	if l.config, err = decodeConfig(c); err != nil {
		return nil, fmt.Errorf("open ledger: %w", err)
	}
	return l, nil
}

// Config is what the ledger was created with.
func (l *Ledger) Config() Config { return l.config }

// Supply is the sum of all balances.
func (l *Ledger) Supply() Amount { return l.head.supply }

// Balance is what an account holds; the minting account holds nothing.
func (l *Ledger) Balance(a Account) Amount {
	v, ok := l.store.Get(balanceKey(a))
	if !ok {
		return Amount{}
	}
	return must(decodeAmount(v))
}

func (l *Ledger) setBalance(a Account, n Amount) {
	if n.IsZero() {
		l.store.Delete(balanceKey(a))
		return
	}
	l.store.Put(balanceKey(a), encodeAmount(n))
}

// mint adds to a balance and the supply.
func (l *Ledger) mint(to Account, n Amount) error {
	supply, ok := l.head.supply.Add(n)
	if !ok {
		return generic(CodeOverflow, "the supply would exceed 128 bits")
	}
	balance, _ := l.Balance(to).Add(n) // at most the supply
	l.setBalance(to, balance)
	l.head.supply = supply
	return nil
}

// burn takes from a balance that is large enough, and from the supply.
func (l *Ledger) burn(from Account, n Amount) {
	balance, _ := l.Balance(from).Sub(n)
	l.setBalance(from, balance)
	l.head.supply, _ = l.head.supply.Sub(n)
}

// Audit adds up all balances, for tests and operators; it reads every account.
func (l *Ledger) Audit() (sum Amount, accounts int) {
	l.store.Scan([]byte{'b'}, func(key, value []byte) bool {
		if key[0] != 'b' {
			return false
		}
		sum, _ = sum.Add(must(decodeAmount(value)))
		accounts++
		return true
	})
	return sum, accounts
}

// must is for records that only this package writes: a broken one means that the store is
// not ours, and nothing can be right any more.
func must[T any](v T, err error) T {
	if err != nil {
		panic(err)
	}
	return v
}
