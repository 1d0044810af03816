package stack

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"time"

	"assay/canisters/dao/daoapi"
	"assay/canisters/dapp/dappapi"
	"assay/canisters/market/marketapi"
	"assay/canisters/root/rootapi"
	"assay/canisters/vectors/vectorsapi"
	"assay/ic/agent"
	"assay/ic/candid"
	"assay/ic/certificate"
	"assay/ic/certificate/hashtree"
	"assay/ic/management/managementapi"
	"assay/ic/principal"
	"assay/ic/wasm/build"
	"assay/internal/cache"
)

// Canisters are the names of what a stack installs, in the order of creation: their ids
// are known to each other before any is installed.
var Canisters = []string{"root", "dao", "market", "vectors", "dapp"}

// Collection is the dApp's collection in vectors.
const Collection = "passages"

const cyclesPerCanister = 100_000_000_000_000 // development only: provisional creation is free

// FindSource is the folder with Assay's go.mod, at or above the working folder.
func FindSource() (string, error) {
	dir, err := os.Getwd()
	if err != nil {
		return "", err
	}
	for at := dir; ; at = filepath.Dir(at) {
		if _, err := os.Stat(filepath.Join(at, "canisters", "market", "market.did")); err == nil {
			return at, nil
		}
		if at == filepath.Dir(at) {
			return "", errors.New("canisters are built from source: run this inside a clone of the repository")
		}
	}
}

// BuildCanister builds one of the project's canisters from source, or takes it from the cache.
func BuildCanister(ctx context.Context, source, name string) (build.Module, error) {
	dir, err := cache.Dir("canisters")
	if err != nil {
		return build.Module{}, err
	}
	return build.Canister(ctx, build.Config{
		Package: "./canisters/" + name, Dir: source, CacheDir: dir, Candid: filepath.Join("canisters", name, name+".did"),
	})
}

// build makes all canisters, saying each.
func (s *Stack) build(ctx context.Context) error {
	s.modules = map[string]build.Module{}
	for _, name := range Canisters {
		start := time.Now()
		m, err := BuildCanister(ctx, s.cfg.Source, name)
		if err != nil {
			return fmt.Errorf("build canister %s: %w", name, err)
		}
		s.modules[name] = m
		s.cfg.Say(fmt.Sprintf("built canister %s: %d kB (%d kB compressed) in %s", name, len(m.Wasm)/1000, len(m.Gzip)/1000, time.Since(start).Round(10*time.Millisecond)))
	}
	return nil
}

// deploy creates the canisters, installs them and gives them to root.
func (s *Stack) deploy(ctx context.Context) error {
	installer, err := s.Agent("installer")
	if err != nil {
		return err
	}
	s.State.Canisters = map[string]principal.Principal{}
	for _, name := range Canisters {
		id, err := create(ctx, installer, s.subnet)
		if err != nil {
			return fmt.Errorf("create canister %s: %w", name, err)
		}
		s.State.Canisters[name] = id
	}
	for _, name := range Canisters {
		if err := s.install(ctx, installer, name); err != nil {
			return fmt.Errorf("install canister %s: %w", name, err)
		}
		s.cfg.Say(fmt.Sprintf("installed %s as %s", name, s.State.Canisters[name]))
	}
	for _, name := range Canisters {
		controller := s.State.Canisters["root"]
		if name == "root" {
			controller = s.State.Canisters["dao"]
		}
		if err := control(ctx, installer, s.State.Canisters[name], controller); err != nil {
			return fmt.Errorf("give canister %s to %s: %w", name, controller, err)
		}
	}
	s.State.Deployed = true
	return s.State.write(s.cfg.Dir)
}

func create(ctx context.Context, a *agent.Agent, at principal.Principal) (principal.Principal, error) {
	cycles := candid.NewNat(cyclesPerCanister)
	created, err := managementapi.NewClient[context.Context](a.Management(at)).ProvisionalCreateCanisterWithCycles(ctx,
		managementapi.ProvisionalCreateCanisterWithCyclesArg{Amount: &cycles})
	return created.CanisterId, err
}

func (s *Stack) install(ctx context.Context, a *agent.Agent, name string) error {
	arg, err := s.initArg(name)
	if err != nil {
		return err
	}
	id := s.State.Canisters[name]
	return managementapi.NewClient[context.Context](a.Management(id)).InstallCode(ctx, managementapi.InstallCode{
		Mode: managementapi.InstallMode{Install: true}, CanisterId: id, WasmModule: s.modules[name].Gzip, Arg: arg,
	})
}

func control(ctx context.Context, a *agent.Agent, id, controller principal.Principal) error {
	controllers := []principal.Principal{controller}
	return managementapi.NewClient[context.Context](a.Management(id)).UpdateSettings(ctx, managementapi.UpdateSettingsArg{
		CanisterId: id, Settings: managementapi.Settings{Controllers: &controllers},
	})
}

// Installed reads from the certified state whether a canister is there and has a module.
func Installed(ctx context.Context, a *agent.Agent, id principal.Principal) (bool, error) {
	path := [][]byte{[]byte("canister"), id.Bytes(), []byte("module_hash")}
	cert, _, err := a.ReadState(ctx, id, path)
	if err != nil {
		return false, fmt.Errorf("look for canister %s: %w", id, err)
	}
	_, result := cert.Tree.Lookup(path...)
	return result == hashtree.Found, nil
}

// Controllers reads who controls a canister, from the certified state.
func Controllers(ctx context.Context, a *agent.Agent, id principal.Principal) ([]principal.Principal, error) {
	path := [][]byte{[]byte("canister"), id.Bytes(), []byte("controllers")}
	cert, _, err := a.ReadState(ctx, id, path)
	if err != nil {
		return nil, err
	}
	value, result := cert.Tree.Lookup(path...)
	if result != hashtree.Found {
		return nil, fmt.Errorf("the certificate shows no controllers of %s (%s)", id, result)
	}
	return certificate.DecodePrincipals(value)
}

// initArg is what a canister is installed with.
func (s *Stack) initArg(name string) ([]byte, error) {
	ids := s.State.Canisters
	switch name {
	case "root":
		installer, err := s.Principal("installer")
		if err != nil {
			return nil, err
		}
		return rootapi.EncodeInitArgs(rootapi.Init{Dao: ids["dao"], Uploaders: []principal.Principal{installer}})
	case "dao":
		members := make([]daoapi.Member, 0, len(Members))
		for _, m := range Members {
			id, err := s.Principal(m.Role)
			if err != nil {
				return nil, err
			}
			members = append(members, daoapi.Member{Id: id, Name: m.Name, Weight: 1})
		}
		return daoapi.EncodeInitArgs(daoapi.Init{Members: members, Market: ids["market"], Root: ids["root"], VotingPeriod: uint64(time.Hour)})
	case "market":
		return marketapi.EncodeInitArgs(marketapi.Init{Dao: ids["dao"], Parameters: DefaultParameters()})
	case "vectors":
		return vectorsapi.EncodeInitArgs()
	default:
		developer, err := s.Principal("developer")
		if err != nil {
			return nil, err
		}
		root := s.Model.Root
		return dappapi.EncodeInitArgs(dappapi.Init{
			Owner: developer, Market: ids["market"], Vectors: ids["vectors"], Model: root[:],
			Dimension: uint32(s.Model.Dimension), Collection: Collection,
		})
	}
}

// Member is a voter of the stack's dao.
type Member struct{ Role, Name string }

// Members vote with one weight each.
var Members = []Member{{"member-1", "Ada"}, {"member-2", "Grace"}, {"member-3", "Edsger"}}

// DefaultParameters are what the market starts with. Its members change them by vote.
func DefaultParameters() marketapi.Parameters {
	return marketapi.Parameters{
		Window: uint64(10 * time.Minute), DeliveryTimeout: uint64(2 * time.Minute), RevealTimeout: uint64(time.Minute),
		MaxAttempts: 3, TreasuryPermille: 50, BasePrice: candid.NewNat(1_000_000_000), Reserve: candid.NewNat(5_000_000_000_000),
	}
}
