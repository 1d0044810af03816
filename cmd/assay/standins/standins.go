// Package standins puts development stand-ins of the Internet Computer's own canisters on a
// local network, under the ids that clients know: the ICP ledger, the cycles ledger and the
// cycles minting canister. `assay network launcher` needs them for the icp client, which
// creates canisters through them; `assay network start --standins` offers them to others.
//
// They are built from the sources inside this binary, so no clone is needed, and kept in
// the cache folder. Nobody controls them.
package standins

import (
	"context"
	"fmt"

	"assay/canisters/standins/cycles/cyclesapi"
	"assay/canisters/standins/icp/icpapi"
	"assay/canisters/standins/minter/minterapi"
	"assay/ic/agent"
	"assay/ic/candid"
	"assay/ic/certificate/hashtree"
	"assay/ic/identity"
	"assay/ic/management/managementapi"
	"assay/ic/principal"
	"assay/ic/wasm/build"
)

// The ids, which are the real network's.
var (
	ICPLedger    = principal.MustParse("ryjl3-tyaaa-aaaaa-aaaba-cai")
	CyclesLedger = principal.MustParse("um5iw-rqaaa-aaaaq-qaaba-cai")
	Minter       = principal.MustParse("rkp4c-7iaaa-aaaaa-aaaca-cai")
)

// What the anonymous principal starts with, from which clients take theirs.
const (
	seedICP = 1_000_000_000 * 100_000_000 // e8s
	rate    = 40_000                      // 10,000ths of an XDR for an ICP
)

// seedCycles is a million times the million trillions that a client hands out at most.
var seedCycles = candid.Nat{Hi: 1 << 20} // about 2·10²⁵

// running is what the canisters themselves live on.
var running = candid.NewNat(1_000_000_000_000_000)

// standIn is one of them.
type standIn struct {
	name   string // of its folder in canisters/standins
	id     principal.Principal
	cycles candid.Nat
	init   func(subnet principal.Principal) ([]byte, error)
}

func all() []standIn {
	funded, _ := seedCycles.Add(running)
	return []standIn{
		{"icp", ICPLedger, running, func(principal.Principal) ([]byte, error) {
			return icpapi.EncodeStart(icpapi.Start{Holdings: []icpapi.StartHoldings{{Owner: principal.Anonymous, Amount: icpapi.Tokens{E8s: seedICP}}}})
		}},
		{"cycles", CyclesLedger, funded, func(principal.Principal) ([]byte, error) {
			return cyclesapi.EncodeStart(cyclesapi.Start{Holdings: []cyclesapi.StartHoldings{{Owner: principal.Anonymous, Cycles: seedCycles}}})
		}},
		{"minter", Minter, funded, func(subnet principal.Principal) ([]byte, error) {
			return minterapi.EncodeStart(minterapi.Start{Subnet: subnet, XdrPermyriadPerIcp: rate})
		}},
	}
}

// Network is where they are put.
type Network struct {
	URL     string
	RootKey []byte // DER
	Subnet  principal.Principal
}

// Install builds and installs those that are not there yet, saying each.
func Install(ctx context.Context, n Network, say func(string)) error {
	key, err := identity.NewEd25519()
	if err != nil {
		return err
	}
	a, err := agent.New(agent.Config{URL: n.URL, RootKey: n.RootKey, Identity: key})
	if err != nil {
		return err
	}
	for _, s := range all() {
		if err := s.install(ctx, a, n.Subnet, say); err != nil {
			return fmt.Errorf("development stand-in %s: %w", s.name, err)
		}
	}
	return nil
}

func (s standIn) install(ctx context.Context, a *agent.Agent, subnet principal.Principal, say func(string)) error {
	if there, err := installed(ctx, a, s.id); there || err != nil {
		return err
	}
	m, err := Build(ctx, s.name)
	if err != nil {
		return err
	}
	arg, err := s.init(subnet)
	if err != nil {
		return err
	}
	management := managementapi.NewClient[context.Context](a.Management(s.id))
	_, err = management.ProvisionalCreateCanisterWithCycles(ctx, managementapi.ProvisionalCreateCanisterWithCyclesArg{Amount: &s.cycles, SpecifiedId: &s.id})
	if err != nil {
		return err
	}
	err = management.InstallCode(ctx, managementapi.InstallCode{Mode: managementapi.InstallMode{Install: true}, CanisterId: s.id, WasmModule: m.Gzip, Arg: arg})
	if err != nil {
		return err
	}
	controllers := []principal.Principal{} // nobody: the ids of the real ones are given out here
	err = management.UpdateSettings(ctx, managementapi.UpdateSettingsArg{CanisterId: s.id, Settings: managementapi.Settings{Controllers: &controllers}})
	if err == nil {
		say(fmt.Sprintf("development stand-in %s is %s", s.name, s.id))
	}
	return err
}

// installed reports whether a canister is there and has a module.
func installed(ctx context.Context, a *agent.Agent, id principal.Principal) (bool, error) {
	path := [][]byte{[]byte("canister"), id.Bytes(), []byte("module_hash")}
	c, _, err := a.ReadState(ctx, id, path)
	if err != nil {
		return false, err
	}
	_, found := c.Tree.Lookup(path...)
	return found == hashtree.Found, nil
}

// Build makes the module of one stand-in, or takes it from the cache.
func Build(ctx context.Context, name string) (build.Module, error) {
	source, err := unpack()
	if err != nil {
		return build.Module{}, err
	}
	return buildIn(ctx, source, name)
}
