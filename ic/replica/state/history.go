package state

import (
	"crypto/sha256"
	"slices"

	"assay/ic/management/managementapi"
	"assay/ic/principal"
	"assay/ic/replica/host"
)

// maxHistory is how many changes of a canister are kept. The interface specification
// promises twenty.
const maxHistory = 20

// history is what was done to a canister.
type history struct {
	Total  uint64 // changes that ever were
	Recent []change
	Bytes  uint64 // its part of the canister's memory
}

type changeKind uint8

const (
	creation changeKind = iota + 1
	uninstallation
	deployment
	snapshotLoaded
	controllersChange
)

// change is one of a canister's code or controllers.
type change struct {
	Time, Version uint64
	By            principal.Principal
	ByCanister    bool
	ByVersion     *uint64 // of the canister that did it, if it said so
	Kind          changeKind
	Controllers   []principal.Principal // after a creation or a change of controllers
	Hash          []byte                // creation: of the environment variables, if any were given; deployment: of the module
	Mode          string                // deployment
	Loaded        *loaded               // snapshotLoaded
}

// loaded is which snapshot a canister got its state from.
type loaded struct {
	From     *principal.Principal // nil: its own
	ID       []byte
	Version  uint64 // of the canister when the snapshot was taken
	Taken    uint64 // time
	Uploaded bool
}

// recordLocked adds a change of now to the canister's history, by whoever makes the call.
func (m *Machine) recordLocked(c *canister, call *managed, what change) {
	what.Time, what.Version, what.By = m.mu.Time, c.Version, call.caller
	if call.origin.Kind == fromCanister {
		what.ByCanister, what.ByVersion = true, call.sender
	}
	h := &c.History
	h.Total++
	h.Recent = append(h.Recent, what)
	h.Bytes += what.bytes()
	for len(h.Recent) > maxHistory {
		h.Bytes -= h.Recent[0].bytes()
		h.Recent = slices.Delete(h.Recent, 0, 1)
	}
}

// bytes is the change's part of the canister's memory.
func (ch *change) bytes() uint64 {
	const each, perPrincipal = 120, 30
	return each + uint64(len(ch.Controllers)*perPrincipal+len(ch.Hash))
}

// environmentHash is the representation-independent hash of the variables as a map.
func environmentHash(vars []host.Variable) []byte {
	pairs := make([][]byte, 0, len(vars))
	for _, v := range vars {
		name, value := sha256.Sum256([]byte(v.Name)), sha256.Sum256([]byte(v.Value))
		pairs = append(pairs, append(name[:], value[:]...))
	}
	slices.SortFunc(pairs, slices.Compare)
	sum := sha256.Sum256(slices.Concat(pairs...))
	return sum[:]
}

func (ch *change) api() managementapi.Change {
	out := managementapi.Change{TimestampNanos: ch.Time, CanisterVersion: ch.Version, Details: ch.details()}
	if ch.ByCanister {
		out.Origin.FromCanister = &managementapi.ChangeOriginFromCanister{CanisterId: ch.By, CanisterVersion: ch.ByVersion}
	} else {
		out.Origin.FromUser = &managementapi.ChangeOriginFromUser{UserId: ch.By}
	}
	return out
}

func (ch *change) details() (d managementapi.ChangeDetails) {
	switch ch.Kind {
	case creation:
		d.Creation = &managementapi.ChangeDetailsCreation{Controllers: ch.Controllers, EnvironmentVariablesHash: optional(ch.Hash)}
	case uninstallation:
		d.CodeUninstall = true
	case deployment:
		d.CodeDeployment = &managementapi.ChangeDetailsCodeDeployment{
			Mode: managementapi.ChangeDetailsCodeDeploymentMode{
				Install: ch.Mode == "install", Reinstall: ch.Mode == "reinstall", Upgrade: ch.Mode == "upgrade",
			},
			ModuleHash: ch.Hash,
		}
	case snapshotLoaded:
		d.LoadSnapshot = &managementapi.ChangeDetailsLoadSnapshot{
			FromCanisterId: ch.Loaded.From, SnapshotId: ch.Loaded.ID, CanisterVersion: ch.Loaded.Version,
			TakenAtTimestamp: ch.Loaded.Taken, Source: sourceOf(ch.Loaded.Uploaded),
		}
	case controllersChange:
		d.ControllersChange = &managementapi.ChangeDetailsControllersChange{Controllers: ch.Controllers}
	}
	return d
}

func sourceOf(uploaded bool) (s managementapi.SnapshotSource) {
	if uploaded {
		s.MetadataUpload = new(struct{})
	} else {
		s.TakenFromCanister = new(struct{})
	}
	return s
}

// optional is nil for no bytes.
func optional(b []byte) *[]byte {
	if b == nil {
		return nil
	}
	return &b
}
