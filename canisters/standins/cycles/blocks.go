package main

import (
	"encoding/binary"
	"fmt"

	"assay/canisters/ledger/tokens"
	"assay/canisters/standins/cycles/cyclesapi"
	"assay/ic/candid"
	"assay/ic/cdk"
)

// maxBlocks is how many blocks an answer holds at most.
const maxBlocks = 500

// keep writes a transaction's block into the log, whose numbers are the ledger's own, and
// certifies that it is the last.
func keep(m *cdk.Message, change func(*tokens.Transaction)) func(tokens.Transaction) {
	return func(t tokens.Transaction) {
		if change != nil {
			change(&t)
		}
		if err := keepBlock(m, t); err != nil {
			panic(err) // undoes the transaction
		}
	}
}

func keepBlock(m *cdk.Message, t tokens.Transaction) error {
	log := cdk.Log(regionBlocks)
	var parent *[32]byte
	if n := log.Len(); n > 0 {
		last, err := block(n - 1)
		if err != nil {
			return err
		}
		parent = new(hashContent(last))
	}
	b := blockOf(t, parent)
	encoded, err := cyclesapi.EncodeContent(b)
	if err != nil {
		return err
	}
	n, err := log.Append(encoded)
	if err != nil {
		return err
	}
	if n != t.Index {
		return fmt.Errorf("block %d of transaction %d", n, t.Index)
	}
	hash := hashContent(b)
	tree := cdk.Certified(m)
	if err := tree.Put([][]byte{[]byte("last_block_index")}, binary.AppendUvarint(nil, n)); err != nil {
		return err
	}
	return tree.Put([][]byte{[]byte("last_block_hash")}, hash[:])
}

func block(n uint64) (cyclesapi.Content, error) {
	stored, ok := cdk.Log(regionBlocks).Get(n)
	if !ok {
		return cyclesapi.Content{}, fmt.Errorf("there is no block %d", n)
	}
	b, err := cyclesapi.DecodeContent(stored)
	if err != nil {
		return b, fmt.Errorf("stored block %d: %w", n, err)
	}
	return b, nil
}

// blockOf is a transaction as ICRC-3 has it.
func blockOf(t tokens.Transaction, parent *[32]byte) cyclesapi.Content {
	tx := fields{}
	tx.nat("amt", t.Amount)
	switch t.Operation {
	case tokens.Minted:
		tx.text("op", "mint")
		tx.account("to", t.To)
	case tokens.Burnt:
		tx.text("op", "burn")
		tx.account("from", t.From)
	case tokens.Approved:
		tx.text("op", "approve")
		tx.account("from", t.From)
		tx.account("spender", t.To)
	default:
		tx.text("op", "xfer")
		tx.account("from", t.From)
		tx.account("to", t.To)
	}
	if t.Spender != nil {
		tx.account("spender", *t.Spender)
	}
	if t.Common.Fee != nil {
		tx.nat("fee", *t.Common.Fee)
	}
	if t.Memo != nil {
		tx.blob("memo", *t.Memo)
	}
	if t.Created != nil {
		tx.nat("ts", candid.NewNat(*t.Created))
	}
	if t.Expected != nil {
		tx.nat("expected_allowance", *t.Expected)
	}
	if t.Expires != nil {
		tx.nat("expires_at", candid.NewNat(*t.Expires))
	}
	b := fields{}
	if parent != nil {
		b.blob("phash", parent[:])
	}
	b.nat("ts", candid.NewNat(t.Time))
	if t.Common.Fee == nil && t.Operation != tokens.Minted {
		b.nat("fee", t.Fee)
	}
	b.add("tx", tx.content())
	return b.content()
}

// fields collects the entries of a map.
type fields []cyclesapi.ContentMap

func (f *fields) add(name string, c cyclesapi.Content) {
	*f = append(*f, cyclesapi.ContentMap{F0: name, F1: c})
}
func (f *fields) nat(name string, n candid.Nat) { f.add(name, cyclesapi.Content{Nat: &n}) }
func (f *fields) text(name, text string)        { f.add(name, cyclesapi.Content{Text: &text}) }
func (f *fields) blob(name string, b []byte)    { f.add(name, cyclesapi.Content{Blob: &b}) }

// account is the owner and, unless it is all zeros, the subaccount.
func (f *fields) account(name string, a tokens.Account) {
	parts := []cyclesapi.Content{{Blob: new([]byte(a.Owner))}}
	if a.Sub != [32]byte{} {
		parts = append(parts, cyclesapi.Content{Blob: new(a.Sub[:])})
	}
	f.add(name, cyclesapi.Content{Array: &parts})
}

func (f *fields) content() cyclesapi.Content {
	entries := []cyclesapi.ContentMap(*f)
	return cyclesapi.Content{Map: &entries}
}

// Icrc3GetBlocks gives blocks of the ranges, as many as fit.
func (edge) Icrc3GetBlocks(_ *cdk.Message, arg []cyclesapi.BlockRange) (r cyclesapi.Blocks, err error) {
	length := cdk.Log(regionBlocks).Len()
	r.LogLength = candid.NewNat(length)
	for _, asked := range arg {
		from, ok := asked.Start.Uint64()
		if !ok || from >= length {
			continue
		}
		count, ok := asked.Length.Uint64()
		if !ok || count > length-from {
			count = length - from
		}
		for n := range min(count, maxBlocks-uint64(len(r.Blocks))) {
			b, err := block(from + n)
			if err != nil {
				return r, err
			}
			r.Blocks = append(r.Blocks, cyclesapi.BlocksBlocks{Id: candid.NewNat(from + n), Block: b})
		}
	}
	return r, nil
}

func (edge) Icrc3GetArchives(*cdk.Message, cyclesapi.Icrc3GetArchivesArg) ([]cyclesapi.Icrc3GetArchivesResult, error) {
	return nil, nil
}

// Icrc3GetTipCertificate certifies index and hash of the last block.
func (edge) Icrc3GetTipCertificate(m *cdk.Message) (*cyclesapi.Icrc3GetTipCertificateResult, error) {
	certificate, ok := m.DataCertificate()
	if !ok || cdk.Log(regionBlocks).Len() == 0 {
		return nil, nil
	}
	tree, err := cdk.Certified(m).Witness([][]byte{[]byte("last_block_index")}, [][]byte{[]byte("last_block_hash")})
	return &cyclesapi.Icrc3GetTipCertificateResult{Certificate: certificate, HashTree: tree}, err
}

func (edge) Icrc3SupportedBlockTypes(*cdk.Message) (out []cyclesapi.Icrc3SupportedBlockTypesResult, err error) {
	for _, t := range []struct{ kind, standard string }{{"1mint", "ICRC-1"}, {"1burn", "ICRC-1"}, {"1xfer", "ICRC-1"}, {"2approve", "ICRC-2"}, {"2xfer", "ICRC-2"}} {
		out = append(out, cyclesapi.Icrc3SupportedBlockTypesResult{
			BlockType: t.kind, Url: "https://github.com/dfinity/ICRC-1/tree/main/standards/" + t.standard,
		})
	}
	return out, nil
}
