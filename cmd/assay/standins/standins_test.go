package standins

import (
	"bytes"
	"context"
	"encoding/binary"
	"testing"
	"time"

	"assay/canisters/ledger/ledgerapi"
	"assay/canisters/standins/cycles/cyclesapi"
	"assay/canisters/standins/icp/icpapi"
	"assay/canisters/standins/identifier"
	"assay/canisters/standins/minter/minterapi"
	"assay/ic/agent"
	"assay/ic/candid"
	"assay/ic/certificate"
	"assay/ic/identity"
	"assay/ic/localnet"
	"assay/ic/management/managementapi"
	"assay/ic/principal"
)

// world is a network with the stand-ins and one user.
type world struct {
	*testing.T
	n    *localnet.Network
	user *agent.Agent
	anon *agent.Agent
}

// open is a new network, with everything installed.
func open(t *testing.T) *world {
	t.Helper()
	n, err := localnet.Open(localnet.Config{})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := n.Close(); err != nil {
			t.Error(err)
		}
	})
	w := &world{T: t, n: n, user: connect(t, n, must(identity.NewEd25519())(t)), anon: connect(t, n, nil)}
	for range 2 { // the second time finds all of them there
		if err := Install(t.Context(), Network{URL: n.URL, RootKey: n.RootKey, Subnet: n.Subnet}, func(text string) { t.Log(text) }); err != nil {
			t.Fatal(err)
		}
	}
	return w
}

func connect(t *testing.T, n *localnet.Network, id identity.Identity) *agent.Agent {
	t.Helper()
	return must(agent.New(agent.Config{URL: n.URL, RootKey: n.RootKey, Identity: id, Poll: 5 * time.Millisecond}))(t)
}

// must is a value without an error.
func must[T any](v T, err error) func(testing.TB) T {
	return func(t testing.TB) T {
		t.Helper()
		if err != nil {
			t.Fatal(err)
		}
		return v
	}
}

func (w *world) icp(a *agent.Agent) icpapi.Client[context.Context] {
	return icpapi.NewClient[context.Context](a.Canister(ICPLedger))
}

func (w *world) cycles(a *agent.Agent) cyclesapi.Client[context.Context] {
	return cyclesapi.NewClient[context.Context](a.Canister(CyclesLedger))
}

func (w *world) minter() minterapi.Client[context.Context] {
	return minterapi.NewClient[context.Context](w.user.Canister(Minter))
}

func (w *world) token(a *agent.Agent, ledger principal.Principal) ledgerapi.Client[context.Context] {
	return ledgerapi.NewClient[context.Context](a.Canister(ledger))
}

// send transfers ICP by the older method.
func (w *world) send(a *agent.Agent, to identifier.ID, e8s, memo uint64) uint64 {
	w.Helper()
	r := must(w.icp(a).Transfer(w.Context(), icpapi.SendArgs{Memo: memo, Amount: icpapi.Tokens{E8s: e8s}, Fee: icpapi.Tokens{E8s: 10_000}, To: to[:]}))(w)
	if r.Ok == nil {
		w.Fatalf("transfer: %+v", r.Err)
	}
	return *r.Ok
}

// pay sends ICP to a customer's account with the minter.
func (w *world) pay(customer principal.Principal, e8s, memo uint64) uint64 {
	w.Helper()
	return w.send(w.user, identifier.Of(Minter, identifier.Subaccount(customer)), e8s, memo)
}

func (w *world) balance(a principal.Principal) uint64 {
	w.Helper()
	id := identifier.Of(a, [32]byte{})
	return must(w.icp(w.anon).AccountBalance(w.Context(), icpapi.AccountBalanceArg{Account: id[:]}))(w).E8s
}

func (w *world) cyclesOf(p principal.Principal) candid.Nat {
	w.Helper()
	return must(w.token(w.anon, CyclesLedger).Icrc1BalanceOf(w.Context(), ledgerapi.Account{Owner: p}))(w)
}

const (
	icp   = 100_000_000 // e8s
	tera  = 1_000_000_000_000
	fee   = 100_000_000 // cycles
	memo  = 7
	topUp = 0x50555054
	crea  = 0x41455243
	mint  = 0x544e494d
)

// TestStandins works with the three as the icp client and wallets do.
func TestStandins(t *testing.T) {
	t.Parallel()
	w := open(t)
	me := w.user.Sender()
	w.send(w.anon, identifier.Of(me, [32]byte{}), 1000*icp, memo)
	for _, part := range []struct {
		name string
		run  func(*world)
	}{
		{"seeded cycles", (*world).seededCycles},
		{"both kinds of transfer see one balance", (*world).oneBalance},
		{"blocks", (*world).blocks},
		{"refusals of the older transfer", (*world).refusals},
		{"create, top up, withdraw", (*world).create},
		{"by allowance", (*world).byAllowance},
		{"certified blocks", (*world).tip},
		{"rate", (*world).rate},
		{"mint", (*world).mint},
		{"notify", (*world).notify},
		{"a payment that is none", (*world).notPaid},
	} {
		t.Run(part.name, func(t *testing.T) {
			v := *w
			v.T = t
			part.run(&v)
		})
	}
}

func (w *world) seededCycles() {
	r := must(w.token(w.anon, CyclesLedger).Icrc1Transfer(w.Context(), ledgerapi.TransferArgs{
		To: ledgerapi.Account{Owner: w.user.Sender()}, Amount: candid.NewNat(1000 * tera), Fee: new(candid.NewNat(fee)),
	}))(w)
	if r.Err != nil {
		w.Fatalf("%+v", r.Err)
	}
	if got := w.cyclesOf(w.user.Sender()); got != candid.NewNat(1000*tera) {
		w.Errorf("%s cycles, want 1000 T", got)
	}
}

func (w *world) oneBalance() {
	me := w.user.Sender()
	before := w.balance(me)
	other := principal.SelfAuthenticating([]byte("other"))
	r := must(w.token(w.user, ICPLedger).Icrc1Transfer(w.Context(), ledgerapi.TransferArgs{To: ledgerapi.Account{Owner: other}, Amount: candid.NewNat(icp)}))(w)
	if r.Err != nil {
		w.Fatalf("%+v", r.Err)
	}
	if got := w.balance(me); got != before-icp-10_000 {
		w.Errorf("balance %d, want %d less than %d", got, icp+10_000, before)
	}
	if got := w.balance(other); got != icp {
		w.Errorf("the receiver's identifier holds %d", got)
	}
	id := must(w.icp(w.anon).AccountIdentifier(w.Context(), icpapi.AccountIdentifierArg{Owner: other}))(w)
	if want := identifier.Of(other, [32]byte{}); !bytes.Equal(id, want[:]) {
		w.Errorf("identifier %x, want %x", id, want)
	}
}

func (w *world) blocks() {
	all := must(w.icp(w.anon).QueryBlocks(w.Context(), icpapi.BlocksArgs{Length: 10}))(w)
	if all.ChainLength < 3 || uint64(len(all.Blocks)) != min(all.ChainLength, 10) {
		w.Fatalf("%d of %d blocks", len(all.Blocks), all.ChainLength)
	}
	if all.Blocks[0].Transaction.Operation.Mint == nil || all.Blocks[0].ParentHash != nil {
		w.Errorf("the first block is %+v", all.Blocks[0])
	}
	first := all.Blocks[1]
	if tr := first.Transaction.Operation.Transfer; tr == nil || first.Transaction.Memo != memo || tr.Amount.E8s != 1000*icp {
		w.Errorf("the first transfer is %+v", first.Transaction)
	}
	for i, b := range all.Blocks[1:] {
		if b.ParentHash == nil || len(*b.ParentHash) != 32 {
			w.Errorf("block %d has no parent", i+1)
		}
	}
	if past := must(w.icp(w.anon).QueryBlocks(w.Context(), icpapi.BlocksArgs{Start: 1 << 60, Length: 1 << 60}))(w); len(past.Blocks) != 0 {
		w.Errorf("blocks past the end: %d", len(past.Blocks))
	}
}

func (w *world) refusals() {
	to := identifier.Of(principal.Anonymous, [32]byte{})
	args := icpapi.SendArgs{Amount: icpapi.Tokens{E8s: 1}, Fee: icpapi.Tokens{E8s: 1}, To: to[:]}
	r := must(w.icp(w.user).Transfer(w.Context(), args))(w)
	if r.Err == nil || r.Err.BadFee == nil || r.Err.BadFee.ExpectedFee.E8s != 10_000 {
		w.Errorf("a wrong fee: %+v", r)
	}
	args.Fee.E8s, args.Amount.E8s = 10_000, 1<<63
	r = must(w.icp(w.user).Transfer(w.Context(), args))(w)
	if r.Err == nil || r.Err.InsufficientFunds == nil || r.Err.InsufficientFunds.Balance.E8s == 0 {
		w.Errorf("more than there is: %+v", r)
	}
	args.Amount.E8s, args.CreatedAtTime = 1, &icpapi.Nanos{TimestampNanos: uint64(time.Now().UnixNano())}
	first := must(w.icp(w.user).Transfer(w.Context(), args))(w)
	if r = must(w.icp(w.user).Transfer(w.Context(), args))(w); first.Ok == nil || r.Err == nil || r.Err.TxDuplicate == nil || r.Err.TxDuplicate.DuplicateOf != *first.Ok {
		w.Errorf("a repeat of %+v: %+v", first, r)
	}
	args.CreatedAtTime.TimestampNanos = 1
	if r = must(w.icp(w.user).Transfer(w.Context(), args))(w); r.Err == nil || r.Err.TxTooOld == nil {
		w.Errorf("a transfer of 1970: %+v", r)
	}
	args.To = append([]byte{}, to[:]...)
	args.To[5] ^= 1
	if _, err := w.icp(w.user).Transfer(w.Context(), args); err == nil {
		w.Error("an identifier with a wrong checksum was taken")
	}
}

func (w *world) create() {
	me := w.user.Sender()
	before := w.cyclesOf(me)
	created := time.Now()
	arg := cyclesapi.Creation{Amount: candid.NewNat(2 * tera), CreatedAtTime: new(uint64(created.UnixNano()))}
	made := must(w.cycles(w.user).CreateCanister(w.Context(), arg))(w)
	if made.Err != nil {
		w.Fatalf("create: %+v", made.Err)
	}
	again := must(w.cycles(w.user).CreateCanister(w.Context(), arg))(w)
	if d := again.Err; d == nil || d.Duplicate == nil || d.Duplicate.CanisterId == nil || *d.Duplicate.CanisterId != made.Ok.CanisterId {
		w.Errorf("created again: %+v", again)
	}
	want, _ := before.Sub(candid.NewNat(2*tera + fee))
	if got := w.cyclesOf(me); got != want {
		w.Errorf("after creating: %s, want %s", got, want)
	}
	held := w.held(made.Ok.CanisterId)
	sent := must(w.cycles(w.user).Withdraw(w.Context(), cyclesapi.Withdrawal{Amount: candid.NewNat(tera), To: made.Ok.CanisterId}))(w)
	if sent.Err != nil {
		w.Fatalf("withdraw: %+v", sent.Err)
	}
	if got := w.held(made.Ok.CanisterId); got.Cmp(held) <= 0 {
		w.Errorf("the canister holds %s, %s before the top-up", got, held)
	}
	before = w.cyclesOf(me)
	lost := must(w.cycles(w.user).Withdraw(w.Context(), cyclesapi.Withdrawal{Amount: candid.NewNat(tera), To: principal.Canister(1 << 40)}))(w)
	if lost.Err == nil || lost.Err.FailedToWithdraw == nil || !lost.Err.FailedToWithdraw.RejectionCode.DestinationInvalid {
		w.Errorf("a withdrawal to nobody: %+v", lost)
	}
	if got, want := w.cyclesOf(me), first(before.Sub(candid.NewNat(fee))); got != want {
		w.Errorf("after a failed withdrawal: %s, want %s", got, want)
	}
	bad := must(w.cycles(w.user).Withdraw(w.Context(), cyclesapi.Withdrawal{Amount: candid.NewNat(tera), To: me}))(w)
	if bad.Err == nil || bad.Err.InvalidReceiver == nil {
		w.Errorf("a withdrawal to a user: %+v", bad)
	}
}

func first(n candid.Nat, _ bool) candid.Nat { return n }

// held is what a canister of the user's holds.
func (w *world) held(id principal.Principal) candid.Nat {
	w.Helper()
	status := must(managementapi.NewClient[context.Context](w.user.Management(id)).CanisterStatus(w.Context(), managementapi.Canister{CanisterId: id}))(w)
	return status.Cycles
}

func (w *world) byAllowance() {
	me := w.user.Sender()
	spender := connect(w.T, w.n, must(identity.NewEd25519())(w))
	ok := must(w.token(w.user, CyclesLedger).Icrc2Approve(w.Context(), ledgerapi.ApproveArgs{Spender: ledgerapi.Account{Owner: spender.Sender()}, Amount: candid.NewNat(3 * tera)}))(w)
	if ok.Err != nil {
		w.Fatalf("approve: %+v", ok.Err)
	}
	made := must(w.cycles(spender).CreateCanisterFrom(w.Context(), cyclesapi.CreationFrom{From: cyclesapi.Holder{Owner: me}, Amount: candid.NewNat(2 * tera)}))(w)
	if made.Err != nil {
		w.Fatalf("create: %+v", made.Err)
	}
	sent := must(w.cycles(spender).WithdrawFrom(w.Context(), cyclesapi.WithdrawalFrom{From: cyclesapi.Holder{Owner: me}, To: made.Ok.CanisterId, Amount: candid.NewNat(tera / 2)}))(w)
	if sent.Err != nil {
		w.Errorf("withdraw: %+v", sent.Err)
	}
	more := must(w.cycles(spender).WithdrawFrom(w.Context(), cyclesapi.WithdrawalFrom{From: cyclesapi.Holder{Owner: me}, To: made.Ok.CanisterId, Amount: candid.NewNat(tera)}))(w)
	if more.Err == nil || more.Err.InsufficientAllowance == nil {
		w.Errorf("more than allowed: %+v", more)
	}
}

// tip checks that the last block is certified by its hash.
func (w *world) tip() {
	blocks := must(w.cycles(w.anon).Icrc3GetBlocks(w.Context(), []cyclesapi.BlockRange{{Length: candid.NewNat(1000)}}))(w)
	length, _ := blocks.LogLength.Uint64()
	if length == 0 || uint64(len(blocks.Blocks)) != length {
		w.Fatalf("%d of %d blocks", len(blocks.Blocks), length)
	}
	tip := must(w.cycles(w.anon).Icrc3GetTipCertificate(w.Context()))(w)
	if tip == nil {
		w.Fatal("no certificate")
	}
	c := must(certificate.Decode(tip.Certificate))(w)
	if err := c.VerifySignature(w.n.RootKey, CyclesLedger); err != nil {
		w.Fatal(err)
	}
	tree := must(c.VerifyWitness(CyclesLedger, tip.HashTree))(w)
	index, _ := tree.Lookup([]byte("last_block_index"))
	if n, _ := binary.Uvarint(index); n != length-1 {
		w.Errorf("the last block is %d, the certificate says %d", length-1, n)
	}
}

func (w *world) rate() {
	r := must(w.minter().GetIcpXdrConversionRate(w.Context()))(w)
	if r.Data.XdrPermyriadPerIcp != rate || len(r.Certificate) == 0 {
		w.Errorf("rate %+v with a certificate of %d bytes", r.Data, len(r.Certificate))
	}
	if got := must(w.minter().GetDefaultSubnets(w.Context()))(w); len(got) != 1 || got[0] != w.n.Subnet {
		w.Errorf("default subnets %v, want %s", got, w.n.Subnet)
	}
}

func (w *world) mint() {
	me := w.user.Sender()
	supply := must(w.token(w.anon, ICPLedger).Icrc1TotalSupply(w.Context()))(w)
	before := w.cyclesOf(me)
	block := w.pay(me, icp, mint)
	r := must(w.minter().NotifyMintCycles(w.Context(), minterapi.NotifyMintCyclesArg{BlockIndex: block}))(w)
	if r.Err != nil {
		w.Fatalf("%+v", r.Err)
	}
	minted := candid.NewNat(icp * rate)
	if r.Ok.Minted != minted {
		w.Errorf("minted %s, want %s", r.Ok.Minted, minted)
	}
	want, _ := before.Add(candid.NewNat(icp*rate - fee))
	if got := w.cyclesOf(me); got != want || r.Ok.Balance != want {
		w.Errorf("balance %s (the answer says %s), want %s", got, r.Ok.Balance, want)
	}
	again := must(w.minter().NotifyMintCycles(w.Context(), minterapi.NotifyMintCyclesArg{BlockIndex: block}))(w)
	if again.Ok == nil || *again.Ok != *r.Ok || w.cyclesOf(me) != want {
		w.Errorf("notified again: %+v, balance %s", again, w.cyclesOf(me))
	}
	left, _ := supply.Sub(candid.NewNat(icp + 10_000))
	if got := must(w.token(w.anon, ICPLedger).Icrc1TotalSupply(w.Context()))(w); got != left {
		w.Errorf("ICP supply %s, want %s: what was paid is burnt", got, left)
	}
}

func (w *world) notify() {
	me := w.user.Sender()
	made := must(w.minter().NotifyCreateCanister(w.Context(), minterapi.NotifyCreateCanisterArg{BlockIndex: w.pay(me, icp, crea), Controller: me}))(w)
	if made.Err != nil {
		w.Fatalf("create: %+v", made.Err)
	}
	before := w.held(*made.Ok)
	r := must(w.minter().NotifyTopUp(w.Context(), minterapi.NotifyTopUpArg{BlockIndex: w.pay(*made.Ok, icp, topUp), CanisterId: *made.Ok}))(w)
	if r.Err != nil || *r.Ok != candid.NewNat(icp*rate) {
		w.Errorf("top up: %+v", r)
	}
	if got := w.held(*made.Ok); got.Cmp(before) <= 0 {
		w.Errorf("the canister holds %s, %s before the top-up", got, before)
	}
	other := must(w.minter().NotifyCreateCanister(w.Context(), minterapi.NotifyCreateCanisterArg{BlockIndex: 1, Controller: principal.Anonymous}))(w)
	if other.Err == nil || other.Err.InvalidTransaction == nil {
		w.Errorf("for another controller: %+v", other)
	}
	held := w.balance(me)
	nobody := principal.Canister(1 << 40)
	lost := must(w.minter().NotifyTopUp(w.Context(), minterapi.NotifyTopUpArg{BlockIndex: w.pay(nobody, icp, topUp), CanisterId: nobody}))(w)
	if lost.Err == nil || lost.Err.Refunded == nil || lost.Err.Refunded.BlockIndex == nil {
		w.Fatalf("a top-up of nobody: %+v", lost)
	}
	if got := w.balance(me); got != held-2*10_000 {
		w.Errorf("after the refund: %d, want two fees less than %d", got, held)
	}
}

func (w *world) notPaid() {
	me := w.user.Sender()
	block := w.pay(me, icp, memo)
	for name, index := range map[string]uint64{"another memo": block, "the first mint": 0, "no block": 1 << 40} {
		r := must(w.minter().NotifyMintCycles(w.Context(), minterapi.NotifyMintCyclesArg{BlockIndex: index}))(w)
		if r.Err == nil || r.Err.InvalidTransaction == nil {
			w.Errorf("%s: %+v", name, r)
		}
	}
	if b := w.n.Replica.Books(); b.Minted != b.Held.Add(b.Spent) {
		w.Errorf("the network's books: %+v", b)
	}
}
