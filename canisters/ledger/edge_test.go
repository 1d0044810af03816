package main

import (
	"context"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"

	"assay/canisters/ledger/ledgerapi"
	"assay/ic/candid"
	"assay/ic/canistertest"
	"assay/ic/principal"
)

var (
	minter = canistertest.Caller("minter")
	alice  = canistertest.Caller("alice")
	bob    = canistertest.Caller("bob")
	source = canistertest.Source{Program: program}
)

func holder(p principal.Principal) ledgerapi.Account { return ledgerapi.Account{Owner: p} }

func nat(n uint64) candid.Nat { return candid.NewNat(n) }

// world is a ledger and its clients.
type world struct {
	t *testing.T
	n canistertest.Network
	c canistertest.Canister
}

func newWorld(t *testing.T, n canistertest.Network) *world {
	t.Helper()
	arg, err := ledgerapi.EncodeInitArgs(ledgerapi.Init{
		Name: "Example", Symbol: "XMP", Decimals: 8, Fee: nat(10), MintingAccount: holder(minter),
		InitialBalances: []ledgerapi.InitInitialBalances{{Account: holder(alice), Amount: nat(1000)}},
	})
	if err != nil {
		t.Fatal(err)
	}
	return &world{t, n, n.Install(source, arg)}
}

func (w *world) as(p principal.Principal) ledgerapi.Client[context.Context] {
	return ledgerapi.NewClient[context.Context](w.c.As(p))
}

// read is the answer of a call that cannot fail.
func read[T any](w *world) func(T, error) T {
	return func(v T, err error) T {
		w.t.Helper()
		if err != nil {
			w.t.Fatal(err)
		}
		return v
	}
}

func (w *world) balance(a ledgerapi.Account, want uint64) {
	w.t.Helper()
	if got := read[candid.Nat](w)(w.as(principal.Anonymous).Icrc1BalanceOf(w.t.Context(), a)); got != nat(want) {
		w.t.Errorf("%s holds %s, want %d", a.Owner, got, want)
	}
}

func (w *world) supply(want uint64) {
	w.t.Helper()
	if got := read[candid.Nat](w)(w.as(bob).Icrc1TotalSupply(w.t.Context())); got != nat(want) {
		w.t.Errorf("supply %s, want %d", got, want)
	}
}

// want checks an answer's variant: an index, or an error.
func want[R any](w *world, got R, err error, wanted R) {
	w.t.Helper()
	if err != nil {
		w.t.Fatal(err)
	}
	if diff := cmp.Diff(wanted, got); diff != "" {
		w.t.Errorf("answer (-want +got):\n%s", diff)
	}
}

// TestLedger is a token's life through the standards' methods.
func TestLedger(t *testing.T) {
	canistertest.Each(t, func(t *testing.T, n canistertest.Network) {
		w := newWorld(t, n)
		ctx := t.Context()
		ok := func(n uint64) ledgerapi.Icrc1TransferResult { return ledgerapi.Icrc1TransferResult{Ok: new(nat(n))} }
		refused := func(e ledgerapi.TransferError) ledgerapi.Icrc1TransferResult {
			return ledgerapi.Icrc1TransferResult{Err: &e}
		}
		now := uint64(n.Now().UnixNano())
		pay := ledgerapi.TransferArgs{To: holder(bob), Amount: nat(100), Memo: new([]byte("rent")), CreatedAtTime: &now}
		got, err := w.as(alice).Icrc1Transfer(ctx, pay)
		want(w, got, err, ok(1))
		got, err = w.as(alice).Icrc1Transfer(ctx, pay)
		want(w, got, err, refused(ledgerapi.TransferError{Duplicate: &ledgerapi.TransferErrorDuplicate{DuplicateOf: nat(1)}}))
		got, err = w.as(minter).Icrc1Transfer(ctx, ledgerapi.TransferArgs{To: holder(bob), Amount: nat(5)})
		want(w, got, err, ok(2))
		got, err = w.as(bob).Icrc1Transfer(ctx, ledgerapi.TransferArgs{To: holder(minter), Amount: nat(3)})
		want(w, got, err, refused(ledgerapi.TransferError{BadBurn: &ledgerapi.TransferErrorBadBurn{MinBurnAmount: nat(10)}}))
		got, err = w.as(bob).Icrc1Transfer(ctx, ledgerapi.TransferArgs{To: holder(minter), Amount: nat(15)})
		want(w, got, err, ok(3))
		sub := ledgerapi.Account{Owner: bob, Subaccount: new(append(make([]byte, 31), 1))}
		got, err = w.as(bob).Icrc1Transfer(ctx, ledgerapi.TransferArgs{To: sub, Amount: nat(30)})
		want(w, got, err, ok(4))
		w.balance(holder(alice), 890)
		w.balance(holder(bob), 50)
		w.balance(sub, 30)
		w.balance(holder(minter), 0)
		w.supply(970)
		if err := w.c.Upgrade(source, nil); err != nil {
			t.Fatal(err)
		}
		w.balance(sub, 30)
		got, err = w.as(alice).Icrc1Transfer(ctx, pay)
		want(w, got, err, refused(ledgerapi.TransferError{Duplicate: &ledgerapi.TransferErrorDuplicate{DuplicateOf: nat(1)}}))
		n.Advance(25 * time.Hour)
		got, err = w.as(alice).Icrc1Transfer(ctx, pay)
		want(w, got, err, refused(ledgerapi.TransferError{TooOld: true}))
	})
}

// TestAllowances spends another's tokens.
func TestAllowances(t *testing.T) {
	canistertest.Each(t, func(t *testing.T, n canistertest.Network) {
		w := newWorld(t, n)
		ctx := t.Context()
		expiry := uint64(n.Now().Add(time.Minute).UnixNano())
		approved, err := w.as(alice).Icrc2Approve(ctx, ledgerapi.ApproveArgs{Spender: holder(bob), Amount: nat(200), ExpectedAllowance: new(nat(0)), ExpiresAt: &expiry})
		want(w, approved, err, ledgerapi.Icrc2ApproveResult{Ok: new(nat(1))})
		asked := ledgerapi.AllowanceArgs{Account: holder(alice), Spender: holder(bob)}
		allowance, err := w.as(bob).Icrc2Allowance(ctx, asked)
		want(w, allowance, err, ledgerapi.Allowance{Allowance: nat(200), ExpiresAt: &expiry})
		move := func(amount uint64) (ledgerapi.Icrc2TransferFromResult, error) {
			return w.as(bob).Icrc2TransferFrom(ctx, ledgerapi.TransferFromArgs{From: holder(alice), To: holder(bob), Amount: nat(amount)})
		}
		moved, err := move(150)
		want(w, moved, err, ledgerapi.Icrc2TransferFromResult{Ok: new(nat(2))})
		moved, err = move(150)
		want(w, moved, err, ledgerapi.Icrc2TransferFromResult{Err: &ledgerapi.TransferFromError{
			InsufficientAllowance: &ledgerapi.TransferFromErrorInsufficientAllowance{Allowance: nat(40)},
		}})
		approved, err = w.as(alice).Icrc2Approve(ctx, ledgerapi.ApproveArgs{Spender: holder(bob), Amount: nat(7), ExpectedAllowance: new(nat(200))})
		want(w, approved, err, ledgerapi.Icrc2ApproveResult{Err: &ledgerapi.ApproveError{
			AllowanceChanged: &ledgerapi.ApproveErrorAllowanceChanged{CurrentAllowance: nat(40)},
		}})
		n.Advance(time.Minute)
		allowance, err = w.as(bob).Icrc2Allowance(ctx, asked)
		want(w, allowance, err, ledgerapi.Allowance{})
		w.balance(holder(alice), 830)
		w.balance(holder(bob), 150)
		w.supply(980)
	})
}

// TestFacts: what a wallet asks a token it does not know.
func TestFacts(t *testing.T) {
	w := newWorld(t, canistertest.Double(t))
	ctx, c := t.Context(), w.as(principal.Anonymous)
	metadata := map[string]string{}
	for _, e := range read[[]ledgerapi.Icrc1MetadataResult](w)(c.Icrc1Metadata(ctx)) {
		switch {
		case e.F1.Text != nil:
			metadata[e.F0] = *e.F1.Text
		case e.F1.Nat != nil:
			metadata[e.F0] = e.F1.Nat.String()
		}
	}
	facts := map[string]string{"icrc1:name": "Example", "icrc1:symbol": "XMP", "icrc1:decimals": "8", "icrc1:fee": "10", "icrc1:max_memo_length": "64"}
	if diff := cmp.Diff(facts, metadata); diff != "" {
		t.Errorf("metadata (-want +got):\n%s", diff)
	}
	if got := read[string](w)(c.Icrc1Name(ctx)); got != "Example" {
		t.Errorf("name %s", got)
	}
	if got := read[string](w)(c.Icrc1Symbol(ctx)); got != "XMP" {
		t.Errorf("symbol %s", got)
	}
	if got := read[uint8](w)(c.Icrc1Decimals(ctx)); got != 8 {
		t.Errorf("decimals %d", got)
	}
	if got := read[candid.Nat](w)(c.Icrc1Fee(ctx)); got != nat(10) {
		t.Errorf("fee %s", got)
	}
	if diff := cmp.Diff(new(holder(minter)), read[*ledgerapi.Account](w)(c.Icrc1MintingAccount(ctx)), cmpopts.EquateComparable(principal.Principal{})); diff != "" {
		t.Errorf("minting account (-want +got):\n%s", diff)
	}
	names := map[string]bool{}
	for _, s := range read[[]ledgerapi.Standard](w)(c.Icrc10SupportedStandards(ctx)) {
		names[s.Name] = strings.HasPrefix(s.Url, "https://")
	}
	if diff := cmp.Diff(map[string]bool{"ICRC-1": true, "ICRC-2": true, "ICRC-10": true}, names); diff != "" {
		t.Errorf("standards (-want +got):\n%s", diff)
	}
	if got := read[[]ledgerapi.Standard](w)(c.Icrc1SupportedStandards(ctx)); len(got) != 3 {
		t.Errorf("standards of icrc1: %v", got)
	}
}

// TestSubaccounts: a subaccount that is not 32 bytes is an error where the standards have
// one, else a reject.
func TestSubaccounts(t *testing.T) {
	w := newWorld(t, canistertest.Double(t))
	ctx, short := t.Context(), new([]byte("short"))
	got, err := w.as(alice).Icrc1Transfer(ctx, ledgerapi.TransferArgs{FromSubaccount: short, To: holder(bob), Amount: nat(1)})
	if err != nil || got.Err == nil || got.Err.GenericError == nil {
		t.Errorf("transfer: %+v, %v", got, err)
	}
	bad := ledgerapi.Account{Owner: bob, Subaccount: short}
	moved, err := w.as(alice).Icrc2TransferFrom(ctx, ledgerapi.TransferFromArgs{From: bad, To: holder(bob), Amount: nat(1)})
	if err != nil || moved.Err == nil || moved.Err.GenericError == nil {
		t.Errorf("transfer from: %+v, %v", moved, err)
	}
	approved, err := w.as(alice).Icrc2Approve(ctx, ledgerapi.ApproveArgs{Spender: bad, Amount: nat(1)})
	if err != nil || approved.Err == nil || approved.Err.GenericError == nil {
		t.Errorf("approve: %+v, %v", approved, err)
	}
	if _, err := w.as(alice).Icrc1BalanceOf(ctx, bad); err == nil || !strings.Contains(err.Error(), "32 bytes") {
		t.Errorf("balance: %v", err)
	}
	if _, err := w.as(alice).Icrc2Allowance(ctx, ledgerapi.AllowanceArgs{Account: holder(alice), Spender: bad}); err == nil {
		t.Error("allowance of a bad account")
	}
	w.balance(holder(alice), 1000)
}
