// Command root is the root canister: the only controller of the other canisters, and
// obedient to the dao alone. It keeps uploaded modules by their hash and carries out an
// upgrade as stop, install, start, each step recorded before and after; a canister whose
// installation fails is started again with the module it had. root.did is its interface;
// the dao and the installer call it.
package main

import (
	"bytes"
	"encoding/binary"
	"fmt"
	"slices"

	"assay/canisters/root/rootapi"
	"assay/ic/cdk"
	"assay/ic/kernel/sha256"
	"assay/ic/principal"
)

// regionState holds root's map:
//
//	c           1 · rootapi.Init, as a Candid message
//	m <hash>    a module
//	u <id>      an upgrade, see upgrade.go
const regionState = cdk.FirstRegion

const recordVersion = 1

// Limits of the modules.
const (
	maxModule  = 2 << 20
	maxModules = 64
)

var configKey = []byte("c")

func program() cdk.Program {
	return cdk.Program{
		Methods:     rootapi.Methods[*cdk.Message](edge{}),
		Init:        initialise,
		PostUpgrade: func(*cdk.Message, []byte) error { _, err := loadConfig(); return err },
		Tasks:       map[string]cdk.Task{taskUpgrades: runUpgrades},
	}
}

func init() { cdk.Serve(program()) }

func main() {}

func initialise(m *cdk.Message, arg []byte) error {
	a, err := argument(m, arg)
	if err != nil {
		return err
	}
	if a.Dao == principal.Management || a.Dao == principal.Anonymous {
		return fmt.Errorf("the dao is %s, which nobody is", a.Dao)
	}
	record, err := rootapi.EncodeInit(a)
	if err != nil {
		return err
	}
	return cdk.Map(regionState).Put(configKey, append([]byte{recordVersion}, record...))
}

// argument is what the installation says, or without an argument what its environment
// does: the dao's id, and the installer as uploader.
func argument(m *cdk.Message, arg []byte) (a rootapi.Init, err error) {
	if cdk.NoArgument(arg) {
		a.Uploaders = []principal.Principal{m.Caller()}
		a.Dao, err = m.Peer("dao")
		return a, err
	}
	if a, err = rootapi.DecodeInitArgs(arg); err != nil {
		return a, fmt.Errorf("decode the init argument: %w", err)
	}
	return a, nil
}

func loadConfig() (rootapi.Init, error) {
	v, ok := cdk.Map(regionState).Get(configKey)
	if !ok || len(v) < 1 || v[0] != recordVersion {
		return rootapi.Init{}, fmt.Errorf("stored configuration: %d bytes of an unknown version", len(v))
	}
	return rootapi.DecodeInit(v[1:])
}

func config() rootapi.Init {
	a, err := loadConfig()
	if err != nil {
		panic(err) // post_upgrade would have refused it
	}
	return a
}

// edge serves root.did.
type edge struct{}

var _ rootapi.Service[*cdk.Message] = edge{}

func refuse(format string, args ...any) *rootapi.Failure {
	return &rootapi.Failure{Message: fmt.Sprintf(format, args...)}
}

// isUploader tells those who may upload modules and look at canisters: the dao and the
// listed ones.
func isUploader(a rootapi.Init, p principal.Principal) bool {
	return p == a.Dao || slices.Contains(a.Uploaders, p)
}

func moduleKey(hash []byte) []byte { return append([]byte("m"), hash...) }

func (edge) Upload(m *cdk.Message, module []byte) (r rootapi.UploadResult, err error) {
	store := cdk.Map(regionState)
	hash := sha256.Sum256(module)
	key := moduleKey(hash[:])
	switch {
	case !isUploader(config(), m.Caller()):
		r.Err = refuse("the caller may not upload modules")
	case len(module) > maxModule:
		r.Err = refuse("the module has %d bytes, at most %d are allowed; compress it with gzip", len(module), maxModule)
	case !bytes.HasPrefix(module, []byte("\x00asm")) && !bytes.HasPrefix(module, []byte{0x1f, 0x8b}):
		r.Err = refuse("the bytes are neither a Wasm module nor gzip")
	case !store.Has(key) && countModules() >= maxModules:
		r.Err = refuse("%d modules are kept, the most there may be", maxModules)
	}
	if r.Err != nil {
		return r, nil
	}
	if err := store.Put(key, module); err != nil {
		return r, fmt.Errorf("keep the module: %w", err)
	}
	r.Ok = new(hash[:])
	return r, nil
}

func countModules() (n int) {
	cdk.Map(regionState).Scan([]byte("m"), func(key, _ []byte) bool {
		if key[0] == 'm' {
			n++
		}
		return key[0] == 'm'
	})
	return n
}

func (edge) Modules(*cdk.Message) ([]rootapi.ModulesResult, error) {
	var out []rootapi.ModulesResult
	cdk.Map(regionState).Scan([]byte("m"), func(key, value []byte) bool {
		if key[0] != 'm' {
			return false
		}
		out = append(out, rootapi.ModulesResult{Hash: slices.Clone(key[1:]), Bytes: uint64(len(value))})
		return true
	})
	return out, nil
}

// Upgrade records the intent and answers at once; the steps are a task's. So the dao can
// have itself upgraded: its call to root is over before it is stopped.
func (edge) Upgrade(m *cdk.Message, a rootapi.UpgradeArg) (r rootapi.UpgradeResult, err error) {
	switch {
	case m.Caller() != config().Dao:
		r.Err = refuse("only the dao may have canisters upgraded; put it to a vote there")
	case a.Canister == m.Self():
		r.Err = refuse("root cannot stop itself")
	case len(a.ModuleHash) != sha256.Size || !cdk.Map(regionState).Has(moduleKey(a.ModuleHash)):
		r.Err = refuse("no module %x is uploaded", a.ModuleHash)
	case underWay(a.Canister):
		r.Err = &rootapi.Failure{Message: fmt.Sprintf("canister %s is being upgraded", a.Canister), Retry: true}
	}
	if r.Err != nil {
		return r, nil
	}
	u := &upgrade{phase: stopping, arg: a.Arg, Upgrade: rootapi.Upgrade{
		Id: lastUpgrade() + 1, Canister: a.Canister, ModuleHash: a.ModuleHash, Started: m.Time(),
	}}
	u.save()
	r.Ok = &u.Upgrade
	return r, m.After(0, taskUpgrades)
}

func (edge) Upgrades(*cdk.Message) ([]rootapi.Upgrade, error) {
	var out []rootapi.Upgrade
	eachUpgrade(func(u *upgrade) bool {
		out = append(out, u.Upgrade)
		return true
	})
	return out, nil
}

func (edge) CanisterStatus(m *cdk.Message, id principal.Principal) (r rootapi.CanisterStatusResult, err error) {
	if !isUploader(config(), m.Caller()) {
		r.Err = refuse("the caller may not look at canisters through root")
		return r, nil
	}
	s, err := status(m, id)
	if err != nil {
		r.Err = refuse("status of %s: %v", id, err)
		return r, nil
	}
	word := "stopped"
	switch {
	case s.Status.Running:
		word = "running"
	case s.Status.Stopping:
		word = "stopping"
	}
	r.Ok = &rootapi.Status{Canister: id, Status: word, ModuleHash: s.ModuleHash, Controllers: s.Settings.Controllers, Cycles: s.Cycles}
	return r, nil
}

func upgradeKey(id uint64) []byte { return binary.BigEndian.AppendUint64([]byte("u"), id) }
