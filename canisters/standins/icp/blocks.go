package main

import (
	"crypto/sha256"
	"fmt"

	"assay/canisters/ledger/tokens"
	"assay/canisters/standins/icp/icpapi"
	"assay/ic/candid"
	"assay/ic/cdk"
)

// keep writes a transaction's block into the log, whose numbers are the ledger's own. A
// memo is that of the older method; without one the transaction came by ICRC-1.
func keep(memo *uint64) func(tokens.Transaction) {
	return func(t tokens.Transaction) {
		b := icpapi.Block{Timestamp: icpapi.Nanos{TimestampNanos: t.Time}, ParentHash: tip()}
		b.Transaction = icpapi.BlockTransaction{
			CreatedAtTime: b.Timestamp, Operation: operation(t),
		}
		if t.Created != nil {
			b.Transaction.CreatedAtTime.TimestampNanos = *t.Created
		}
		if memo != nil {
			b.Transaction.Memo = *memo
		} else {
			b.Transaction.Icrc1Memo = t.Memo
		}
		encoded, err := icpapi.EncodeBlock(b)
		if err != nil {
			panic(err)
		}
		n, err := cdk.Log(regionBlocks).Append(encoded)
		if err == nil && n != t.Index {
			err = fmt.Errorf("block %d of transaction %d", n, t.Index)
		}
		if err != nil {
			panic(err) // undoes the transaction
		}
	}
}

// tip is the hash of the last block.
func tip() *[]byte {
	log := cdk.Log(regionBlocks)
	n := log.Len()
	if n == 0 {
		return nil
	}
	last, _ := log.Get(n - 1)
	sum := sha256.Sum256(last)
	return new(sum[:])
}

// amount is one that the ledger took, which fits: the supply does.
func amount(n candid.Nat) icpapi.Tokens { return icpapi.Tokens{E8s: n.Lo} }

func operation(t tokens.Transaction) *icpapi.Operation {
	var spender *icpapi.Identifier
	if t.Spender != nil {
		spender = new(identifierOf(*t.Spender))
	}
	switch t.Operation {
	case tokens.Minted:
		return &icpapi.Operation{Mint: &icpapi.OperationMint{To: identifierOf(t.To), Amount: amount(t.Amount)}}
	case tokens.Burnt:
		return &icpapi.Operation{Burn: &icpapi.OperationBurn{From: identifierOf(t.From), Spender: spender, Amount: amount(t.Amount)}}
	case tokens.Approved:
		return &icpapi.Operation{Approve: approval(t)}
	}
	return &icpapi.Operation{Transfer: &icpapi.OperationTransfer{
		From: identifierOf(t.From), To: identifierOf(t.To), Amount: amount(t.Amount), Fee: amount(t.Fee), Spender: spender,
	}}
}

// approval may allow more than there is; more than 2^64 reads as that.
func approval(t tokens.Transaction) *icpapi.OperationApprove {
	allowed := t.Amount
	if allowed.Hi > 0 {
		allowed = candid.NewNat(1<<64 - 1)
	}
	asInt, _ := allowed.Int()
	a := &icpapi.OperationApprove{
		From: identifierOf(t.From), Spender: identifierOf(t.To), Allowance: amount(allowed), AllowanceE8s: asInt, Fee: amount(t.Fee),
	}
	if t.Expires != nil {
		a.ExpiresAt = &icpapi.Nanos{TimestampNanos: *t.Expires}
	}
	if t.Expected != nil {
		a.ExpectedAllowance = new(amount(*t.Expected))
	}
	return a
}

// QueryBlocks gives blocks of a range, as many as there are and fit.
func (edge) QueryBlocks(_ *cdk.Message, arg icpapi.BlocksArgs) (r icpapi.QueryBlocksResult, err error) {
	log := cdk.Log(regionBlocks)
	r.ChainLength, r.FirstBlockIndex = log.Len(), arg.Start
	if arg.Start >= r.ChainLength {
		return r, nil
	}
	for n := range min(arg.Length, r.ChainLength-arg.Start, maxRange) {
		stored, _ := log.Get(arg.Start + n)
		b, err := icpapi.DecodeBlock(stored)
		if err != nil {
			return r, fmt.Errorf("stored block %d: %w", arg.Start+n, err)
		}
		r.Blocks = append(r.Blocks, b)
	}
	return r, nil
}
