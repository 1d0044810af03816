package main

import (
	"fmt"
	"strings"
	"time"

	"assay/canisters/dao/daoapi"
	"assay/canisters/market/marketapi"
	"assay/commitment"
)

// render says what a proposal will do, from the decoded argument, so that voters see what
// is executed and one that cannot be is refused at once.
func render(a daoapi.Action) (string, error) {
	if up := a.Upgrade; up != nil {
		if len(up.ModuleHash) != 32 {
			return "", fmt.Errorf("the module hash has %d bytes, not 32", len(up.ModuleHash))
		}
		if len(up.Arg) > maxArgument {
			return "", fmt.Errorf("the argument has %d bytes, at most %d are allowed", len(up.Arg), maxArgument)
		}
		return fmt.Sprintf("upgrade canister %s to module %x with an argument of %d bytes", up.Canister, up.ModuleHash, len(up.Arg)), nil
	}
	act, ok := marketActions[a.Market.Method]
	if !ok {
		return "", fmt.Errorf("the market has no method %q for the dao", a.Market.Method)
	}
	if len(a.Market.Arg) > maxArgument {
		return "", fmt.Errorf("the argument has %d bytes, at most %d are allowed", len(a.Market.Arg), maxArgument)
	}
	text, err := act.render(a.Market.Arg)
	if err != nil {
		return "", fmt.Errorf("the argument of %s: %w", a.Market.Method, err)
	}
	return "market." + a.Market.Method + ": " + text, nil
}

func renderAdmitProvider(arg []byte) (string, error) {
	p, err := marketapi.DecodeAdmitProviderArgs(arg)
	return fmt.Sprintf("provider %q, operator %s, worker key %s", p.Name, p.Operator, p.Worker), err
}

func renderRemoveProvider(arg []byte) (string, error) {
	p, err := marketapi.DecodeRemoveProviderArgs(arg)
	return fmt.Sprintf("operator %s", p), err
}

func renderAdmit(arg []byte) (string, error) {
	e, err := marketapi.DecodeAdmitArgs(arg)
	if err != nil {
		return "", err
	}
	if w := e.Wasm; w != nil {
		return fmt.Sprintf("Wasm module %q, hash %x, publisher %s", w.Name, w.ModuleHash, w.Publisher), nil
	}
	m := e.Model
	if root := commitment.ModelRoot(m.Manifest); string(root[:]) != string(m.Root) {
		return "", fmt.Errorf("the manifest's root is %s, not %x", root, m.Root)
	}
	var classes []string
	for _, c := range m.Classes {
		classes = append(classes, c.Tag())
	}
	return fmt.Sprintf("model %q, root %x, publisher %s, classes %s, %s cycles an item, royalty %d permille, dimension %d, at most %d items of %d bytes, manifest of %d bytes",
		m.Name, m.Root, m.Publisher, strings.Join(classes, " "), m.PricePerItem, m.RoyaltyPermille, m.Dimension, m.MaxItems, m.MaxItemBytes, len(m.Manifest)), nil
}

func renderSetParameters(arg []byte) (string, error) {
	p, err := marketapi.DecodeSetParametersArgs(arg)
	return fmt.Sprintf("window %s, delivery within %s, reveal within %s, at most %d attempts, treasury %d permille, base price %s cycles, reserve %s cycles",
		nanoseconds(p.Window), nanoseconds(p.DeliveryTimeout), nanoseconds(p.RevealTimeout), p.MaxAttempts, p.TreasuryPermille, p.BasePrice, p.Reserve), err
}

func nanoseconds(n uint64) string { return time.Duration(min(n, 1<<62)).String() }
