package client

import (
	"fmt"
	"time"

	"assay/canisters/market/marketapi"
	"assay/commitment"
	"assay/ic/certificate"
	"assay/ic/certificate/hashtree"
	"assay/ic/principal"
)

// Finding is one thing that was checked, for people to read.
type Finding struct {
	Name   string `json:"name"`
	OK     bool   `json:"ok"`
	Detail string `json:"detail"`
}

// Findings is what a bundle proves. Receipt, ModuleHash and Controllers may be used
// only if VerifyBundle returned no error.
type Findings struct {
	Lines       []Finding
	Receipt     marketapi.Receipt
	Certified   time.Time // when the network certified the receipt
	Read        time.Time // when it certified module hash and controllers
	ModuleHash  []byte    // of the market's code at Read
	Controllers []principal.Principal
}

// VerifyError is the first finding that does not hold.
type VerifyError struct {
	Finding
	Err error
}

// Error names the finding and the cause.
func (e *VerifyError) Error() string { return fmt.Sprintf("%s: %v", e.Name, e.Err) }

// Unwrap is the cause.
func (e *VerifyError) Unwrap() error { return e.Err }

// VerifyBundle checks a receipt offline: against the root key (DER) of the network and
// the market's id, both known from elsewhere, and nothing but the bundle's bytes. It
// needs no clock: the times are among the findings. The error is a [*VerifyError] for
// the first thing that does not hold; later ones are not looked at.
func VerifyBundle(b *Bundle, rootKey []byte, market principal.Principal) (Findings, error) {
	v := verifier{rootKey: rootKey, market: market, bundle: b}
	for _, step := range []struct {
		name string
		do   func() (string, error)
	}{
		{"receipt format", v.format},
		{"delegation and signature", v.signature},
		{"certificate time", v.time},
		{"witness", v.witness},
		{"receipt hash", v.receiptHash},
		{"network and market", v.address},
		{"state certificate", v.state},
		{"module hash", v.module},
		{"controllers", v.controllers},
	} {
		detail, err := step.do()
		line := Finding{Name: step.name, OK: err == nil, Detail: detail}
		if err != nil {
			line.Detail = err.Error()
		}
		v.out.Lines = append(v.out.Lines, line)
		if err != nil {
			return v.out, &VerifyError{line, err}
		}
	}
	return v.out, nil
}

type verifier struct {
	rootKey []byte
	market  principal.Principal
	bundle  *Bundle
	out     Findings
	cert    *certificate.Certificate // of the receipt
	read    *certificate.Certificate // of module hash and controllers
	tree    hashtree.Node
}

func (v *verifier) format() (string, error) {
	var err error
	if v.out.Receipt, err = marketapi.DecodeReceipt(v.bundle.Receipt); err != nil {
		return "", err
	}
	return fmt.Sprintf("job %d, %s", v.out.Receipt.Job.Seq, v.out.Receipt.State), nil
}

// certified decodes a certificate and checks all but its age; the delegation must not
// have been too old when the certificate was made.
func (v *verifier) certified(raw []byte) (*certificate.Certificate, time.Time, error) {
	c, err := certificate.Decode(raw)
	if err != nil {
		return nil, time.Time{}, err
	}
	at, err := c.Time() // believed only once the signature holds
	if err != nil {
		return nil, time.Time{}, err
	}
	return c, at, c.Verify(v.rootKey, v.market, at, time.Minute)
}

func (v *verifier) signature() (detail string, err error) {
	if v.cert, v.out.Certified, err = v.certified(v.bundle.Certificate); err != nil {
		return "", err
	}
	return signer(v.cert, v.rootKey, v.market), nil
}

func signer(c *certificate.Certificate, rootKey []byte, market principal.Principal) string {
	if c.Delegation == nil {
		return fmt.Sprintf("signed by the root key %x…", rootKey[len(rootKey)-96:][:8])
	}
	return fmt.Sprintf("signed by subnet %s, which the root key delegates to and whose ranges hold %s", c.Delegation.Subnet, market)
}

func (v *verifier) time() (string, error) {
	settled := time.Unix(0, int64(min(v.out.Receipt.Settled, 1<<63-1)))
	if v.out.Certified.Before(settled) {
		return "", fmt.Errorf("%s is before the job was settled, %s", stamp(v.out.Certified), stamp(settled))
	}
	return fmt.Sprintf("%s, after the job was settled at %s", stamp(v.out.Certified), stamp(settled)), nil
}

func stamp(t time.Time) string { return t.UTC().Format(time.RFC3339Nano) }

func (v *verifier) witness() (detail string, err error) {
	if v.tree, err = v.cert.VerifyWitness(v.market, v.bundle.Witness); err != nil {
		return "", err
	}
	return fmt.Sprintf("root %x is the market's certified data", v.tree.Digest()), nil
}

func (v *verifier) receiptHash() (string, error) {
	sum, err := ReceiptHash(v.out.Receipt)
	if err != nil {
		return "", err
	}
	leaf, result := v.tree.Lookup([]byte("receipts"), commitment.SeqLabel(v.out.Receipt.Job.Seq))
	if result != hashtree.Found {
		return "", lie("the receipt of job %d is %s in the witness", v.out.Receipt.Job.Seq, result)
	}
	if string(leaf) != string(sum[:]) {
		return "", lie("the receipt hashes to %s, certified is %x", sum, leaf)
	}
	return fmt.Sprintf("%s stands under receipts/%d", sum, v.out.Receipt.Job.Seq), nil
}

func (v *verifier) address() (string, error) {
	network := commitment.NetworkID(v.rootKey)
	if string(v.out.Receipt.Network) != string(network[:]) {
		return "", lie("the receipt is of network %x, the root key's is %s", v.out.Receipt.Network, network)
	}
	if v.out.Receipt.Job.Market != v.market {
		return "", lie("the receipt is of market %s, pinned is %s", v.out.Receipt.Job.Market, v.market)
	}
	return fmt.Sprintf("network %s, market %s", network, v.market), nil
}

func (v *verifier) state() (detail string, err error) {
	if v.read, v.out.Read, err = v.certified(v.bundle.State); err != nil {
		return "", err
	}
	return fmt.Sprintf("of %s, %s", stamp(v.out.Read), signer(v.read, v.rootKey, v.market)), nil
}

func (v *verifier) module() (string, error) {
	value, result := v.read.Tree.Lookup(statePath(v.market, "module_hash")...)
	if result != hashtree.Found || len(value) != 32 {
		return "", lie("module hash is %s in the certificate (%d bytes)", result, len(value))
	}
	v.out.ModuleHash = append([]byte{}, value...)
	return fmt.Sprintf("%x", value), nil
}

func (v *verifier) controllers() (string, error) {
	value, result := v.read.Tree.Lookup(statePath(v.market, "controllers")...)
	if result != hashtree.Found {
		return "", lie("controllers are %s in the certificate", result)
	}
	list, err := certificate.DecodePrincipals(value)
	if err != nil {
		return "", err
	}
	v.out.Controllers = list
	if len(list) == 0 {
		return "none", nil
	}
	detail := ""
	for i, p := range list {
		if i > 0 {
			detail += ", "
		}
		detail += p.String()
	}
	return detail, nil
}
