package main

import (
	"bytes"
	"encoding/binary"
	"fmt"

	"assay/canisters/standins/icp/icpapi"
	"assay/canisters/standins/identifier"
	"assay/canisters/standins/minter/minterapi"
	"assay/ic/candid"
	"assay/ic/cdk"
	"assay/ic/principal"
)

// Memos of a payment: four letters, read backwards.
const (
	memoTopUp  = 0x50555054 // TPUP
	memoCreate = 0x41455243 // CREA
	memoMint   = 0x544e494d // MINT
)

// notification says that a block of the ICP ledger holds a payment.
type notification struct {
	block    uint64
	memo     uint64
	customer principal.Principal // whose account here it was paid into
}

func invalid(format string, args ...any) *minterapi.NotifyError {
	text := fmt.Sprintf(format, args...)
	return &minterapi.NotifyError{InvalidTransaction: &text}
}

// codec keeps results.
type codec[R any] struct {
	encode func(R) ([]byte, error)
	decode func([]byte) (R, error)
}

// A payment's record is how far it came, the memo it was notified with, and the result.
const (
	underWay byte = 1
	done     byte = 2
)

// process takes a payment once: who notifies again gets the result of the first time.
func process[R any](m *cdk.Message, n notification, c codec[R], failed func(*minterapi.NotifyError) R, give func(candid.Nat) (R, error)) (r R, err error) {
	key := binary.BigEndian.AppendUint64(nil, n.block)
	payments := cdk.Map(regionPayments)
	if v, ok := payments.Get(key); ok {
		switch {
		case v[0] == underWay:
			return failed(&minterapi.NotifyError{Processing: true}), nil
		case binary.BigEndian.Uint64(v[1:]) != n.memo:
			return failed(invalid("block %d was notified for something else", n.block)), nil
		}
		return c.decode(v[9:])
	}
	if err := payments.Put(key, []byte{underWay}); err != nil {
		return r, err
	}
	paid, problem := n.find(m)
	if problem != nil {
		cdk.Map(regionPayments).Delete(key) // the right notification may still come
		return failed(problem), nil
	}
	r, err = exchange(m, n, paid, failed, give)
	if err != nil {
		cdk.Map(regionPayments).Delete(key)
		return r, err
	}
	result, err := c.encode(r)
	if err != nil {
		return r, err
	}
	record := binary.BigEndian.AppendUint64([]byte{done}, n.memo)
	return r, cdk.Map(regionPayments).Put(key, append(record, result...))
}

// account is the customer's account here.
func (n notification) account(m *cdk.Message) identifier.ID {
	return identifier.Of(m.Self(), identifier.Subaccount(n.customer))
}

func ledger() icpapi.Client[*cdk.Message] {
	return icpapi.NewClient[*cdk.Message](cdk.Canister{ID: icpLedger})
}

// find reads the block and checks that it is the payment.
func (n notification) find(m *cdk.Message) (*icpapi.OperationTransfer, *minterapi.NotifyError) {
	blocks, err := ledger().QueryBlocks(m, icpapi.BlocksArgs{Start: n.block, Length: 1})
	switch {
	case err != nil:
		return nil, &minterapi.NotifyError{Other: &minterapi.NotifyErrorOther{ErrorMessage: fmt.Sprintf("read block %d: %v", n.block, err)}}
	case len(blocks.Blocks) != 1:
		return nil, invalid("the ICP ledger has no block %d", n.block)
	}
	t := blocks.Blocks[0].Transaction
	if t.Operation == nil || t.Operation.Transfer == nil {
		return nil, invalid("block %d is no transfer", n.block)
	}
	to := n.account(m)
	if !bytes.Equal(t.Operation.Transfer.To, to[:]) {
		return nil, invalid("block %d pays %x, not %x, the account of %s with this canister", n.block, t.Operation.Transfer.To, to, n.customer)
	}
	if memo := paidFor(t); memo != n.memo {
		return nil, invalid("block %d has memo %#x, not %#x", n.block, memo, n.memo)
	}
	return t.Operation.Transfer, nil
}

// paidFor is a transaction's memo: the older one, or eight bytes of ICRC-1's.
func paidFor(t icpapi.BlockTransaction) uint64 {
	if t.Icrc1Memo != nil && len(*t.Icrc1Memo) == 8 {
		return binary.LittleEndian.Uint64(*t.Icrc1Memo)
	}
	return t.Memo
}

// exchange gives cycles for the payment and burns the ICP, or sends it back.
func exchange[R any](m *cdk.Message, n notification, paid *icpapi.OperationTransfer, failed func(*minterapi.NotifyError) R, give func(candid.Nat) (R, error)) (r R, err error) {
	start, err := started()
	if err != nil {
		return r, err
	}
	cycles, _ := candid.NewNat(paid.Amount.E8s).Mul64(start.XdrPermyriadPerIcp) // two numbers of 64 bits
	if r, err = give(cycles); err == nil {
		n.burn(m, paid)
		count(cycles)
		return r, nil
	}
	refund := n.refund(m, paid)
	return failed(&minterapi.NotifyError{Refunded: &minterapi.NotifyErrorRefunded{Reason: err.Error(), BlockIndex: refund}}), nil
}

// count adds to what was given out, up to what fits.
func count(cycles candid.Nat) {
	sum, ok := cycles.Add(candid.NewNat(minted()))
	if !ok || sum.Hi > 0 {
		sum = candid.NewNat(1<<64 - 1)
	}
	if err := cdk.Map(regionState).Put(keyMinted, binary.BigEndian.AppendUint64(nil, sum.Lo)); err != nil {
		panic(err)
	}
}

// icpFee is what a transfer of ICP costs, in e8s.
const icpFee = 10_000

// burn takes the payment out of the world, into the account that mints. If it fails, the ICP lies in the account for good.
func (n notification) burn(m *cdk.Message, paid *icpapi.OperationTransfer) {
	to := identifier.Of(icpLedger, [32]byte{})
	if _, err := n.pay(m, to[:], paid.Amount.E8s, 0); err != nil {
		m.Print(fmt.Sprintf("the ICP of block %d was not burnt: %v", n.block, err))
	}
}

// refund sends the payment back, less the fee, and returns the block's index.
func (n notification) refund(m *cdk.Message, paid *icpapi.OperationTransfer) *uint64 {
	if paid.Amount.E8s <= icpFee {
		return nil
	}
	index, err := n.pay(m, paid.From, paid.Amount.E8s-icpFee, icpFee)
	if err != nil {
		m.Print(fmt.Sprintf("the ICP of block %d was not sent back: %v", n.block, err))
		return nil
	}
	return &index
}

// pay transfers from the customer's account here.
func (n notification) pay(m *cdk.Message, to []byte, amount, fee uint64) (uint64, error) {
	sub := identifier.Subaccount(n.customer)
	r, err := ledger().Transfer(m, icpapi.SendArgs{
		Memo: n.memo, Amount: icpapi.Tokens{E8s: amount}, Fee: icpapi.Tokens{E8s: fee}, FromSubaccount: new(sub[:]), To: to,
	})
	switch {
	case err != nil:
		return 0, err
	case r.Ok == nil:
		return 0, fmt.Errorf("the ICP ledger refused: %s", r.Err.Tag())
	}
	return *r.Ok, nil
}
