package client

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"

	"assay/canisters/market/marketapi"
	"assay/commitment"
	"assay/ic/principal"
)

// BundleVersion is the version of the bundle's JSON form. Another one is refused.
const BundleVersion = 1

// maxBundle is the longest bundle in bytes that is read.
const maxBundle = 8 << 20

// Bundle is a receipt with all that proves it, kept as one JSON file. It holds no root
// key and no market id: who checks it must know them from elsewhere.
type Bundle struct {
	Version int    `json:"version"`
	Kind    string `json:"kind"` // always "assay receipt"
	// Receipt is the receipt as a Candid message of type Receipt.
	Receipt []byte `json:"receipt"`
	// Certificate holds the market's certified data, Witness the part of the market's
	// tree that has the receipt's hash.
	Certificate []byte `json:"certificate"`
	Witness     []byte `json:"witness"`
	// State is a certificate of the market's module hash and controllers, read when the
	// bundle was made.
	State []byte `json:"state_certificate"`
}

const bundleKind = "assay receipt"

// BundleError says why bytes are not a bundle.
type BundleError struct{ Err error }

// Error gives the cause.
func (e *BundleError) Error() string { return "receipt bundle: " + e.Err.Error() }

// Unwrap is the cause.
func (e *BundleError) Unwrap() error { return e.Err }

// Encode writes the bundle as JSON, byte strings in base64.
func (b *Bundle) Encode() ([]byte, error) {
	out, err := json.MarshalIndent(b, "", "  ")
	if err != nil {
		return nil, &BundleError{err}
	}
	return append(out, '\n'), nil
}

// DecodeBundle reads what [Bundle.Encode] writes: form only, see [VerifyBundle].
func DecodeBundle(data []byte) (*Bundle, error) {
	if len(data) > maxBundle {
		return nil, &BundleError{fmt.Errorf("%d bytes, at most %d are read", len(data), maxBundle)}
	}
	dec := json.NewDecoder(bytes.NewReader(data))
	dec.DisallowUnknownFields()
	var b Bundle
	if err := dec.Decode(&b); err != nil {
		return nil, &BundleError{err}
	}
	if _, err := dec.Token(); !errors.Is(err, io.EOF) {
		return nil, &BundleError{errors.New("more after its end")}
	}
	if b.Kind != bundleKind || b.Version != BundleVersion {
		return nil, &BundleError{fmt.Errorf("is %q version %d, this program reads %q version %d", b.Kind, b.Version, bundleKind, BundleVersion)}
	}
	return &b, nil
}

// Receipt fetches a settled job's receipt with its proofs, and verifies them against
// the agent's root key and this client's market.
func (c *Client) Receipt(ctx context.Context, seq uint64) (*Bundle, error) {
	b, err := c.receipt(ctx, seq)
	if err == nil {
		var r marketapi.Receipt
		if r, err = c.check(b); err == nil && r.Job.Seq != seq {
			err = lie("the receipt is of job %d", r.Job.Seq)
		}
	}
	if err != nil {
		return nil, fmt.Errorf("receipt of job %d: %w", seq, err)
	}
	return b, nil
}

func (c *Client) receipt(ctx context.Context, seq uint64) (*Bundle, error) {
	out, err := c.canister.Receipt(ctx, seq)
	if err != nil {
		return nil, err
	}
	if out.Err != nil {
		return nil, &MarketError{*out.Err}
	}
	_, state, err := c.agent.ReadState(ctx, c.market, statePath(c.market, "module_hash"), statePath(c.market, "controllers"))
	if err != nil {
		return nil, err
	}
	receipt, err := marketapi.EncodeReceipt(out.Ok.Receipt)
	if err != nil {
		return nil, err
	}
	return &Bundle{
		Version: BundleVersion, Kind: bundleKind, Receipt: receipt,
		Certificate: out.Ok.Certificate, Witness: out.Ok.Witness, State: state,
	}, nil
}

// check verifies a bundle that was just fetched and returns its receipt.
func (c *Client) check(b *Bundle) (marketapi.Receipt, error) {
	f, err := VerifyBundle(b, c.agent.RootKey(), c.market)
	return f.Receipt, err
}

func statePath(canister principal.Principal, name string) [][]byte {
	return [][]byte{[]byte("canister"), canister.Bytes(), []byte(name)}
}

// ReceiptHash is the hash of a receipt, the value that the market certifies.
func ReceiptHash(r marketapi.Receipt) (commitment.Hash, error) {
	out := commitment.Receipt{
		Job:       commitment.JobID{Market: string(r.Job.Market.Bytes()), Seq: r.Job.Seq},
		Requester: r.Requester.Bytes(), State: r.State, Price: r.Price.String(),
		Submitted: r.Submitted, Settled: r.Settled, Window: r.Window,
	}
	for _, f := range []struct {
		name string
		from []byte
		to   *commitment.Hash
	}{{"network", r.Network, &out.Network}, {"model", r.Model, &out.Model}, {"input", r.Input, &out.Input}, {"parameters", r.Parameters, &out.Parameters}} {
		h, err := hash(f.from, f.name)
		if err != nil {
			return commitment.Hash{}, err
		}
		*f.to = h
	}
	if r.Output != nil {
		h, err := hash(*r.Output, "output")
		if err != nil {
			return commitment.Hash{}, err
		}
		out.Output = h
	}
	for _, e := range r.Executors {
		out.Executors = append(out.Executors, e.Bytes())
	}
	for _, e := range r.Evidence {
		out.Evidence = append(out.Evidence, commitment.Claim{Word: e.Word, Detail: e.Detail})
	}
	for _, s := range r.Shares {
		share := commitment.Share{Account: s.Account, Cycles: s.Cycles.String()}
		if s.Owner != nil {
			share.Owner = s.Owner.Bytes()
		}
		out.Shares = append(out.Shares, share)
	}
	return out.Sum(), nil
}
