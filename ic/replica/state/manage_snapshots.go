package state

import (
	"bytes"
	"context"
	"encoding/binary"
	"fmt"
	"maps"
	"slices"

	"assay/ic/management/managementapi"
	"assay/ic/principal"
	"assay/ic/replica/host"
)

// Limits and costs of snapshots.
const (
	maxSnapshots       = 10
	snapshotBase       = 2_000_000_000 // instructions charged for taking or loading one, besides one for each byte
	snapshotAccessBase = 2_000_000     // and for reading or writing a part of one
)

// snapshot is a canister's state at some time, or what was uploaded as such.
type snapshot struct {
	ID        []byte
	Uploaded  bool
	Taken     uint64 // time
	Version   uint64 // of the canister then
	Module    pages
	Heap      pages
	Stable    pages
	Globals   []global
	Chunks    chunkStore
	Certified []byte
	Timer     *uint64 // nil: not known; 0: off
	Hook      *hook

	contents contents
}

// size is the snapshot's part of its canister's memory.
func (s *snapshot) size() uint64 {
	return s.Module.Size + s.Heap.Size + s.Stable.Size + uint64(len(s.Globals))*8 + s.Chunks.size() + uint64(len(s.Certified))
}

func (s *snapshot) memories() [3]*pages { return [3]*pages{&s.Module, &s.Heap, &s.Stable} }

func (s *snapshot) api() managementapi.Snapshot {
	return managementapi.Snapshot{Id: s.ID, TakenAtTimestamp: s.Taken, TotalSize: s.size()}
}

func (c *canister) snapshotsSize() (n uint64) {
	for _, s := range c.Snapshots {
		n += s.size()
	}
	return n
}

// newSnapshotID is an id that no snapshot had: a number and the canister's id.
func (c *canister) newSnapshotID() []byte {
	c.SnapshotNo++
	return append(binary.BigEndian.AppendUint64(nil, c.SnapshotNo-1), c.ID.Bytes()...)
}

// snapshotOwnerLocked is the canister that a snapshot's id names, nil if there is none.
func (m *Machine) snapshotOwnerLocked(id []byte) *canister {
	if len(id) < 8 {
		return nil
	}
	owner, err := principal.FromBytes(id[8:])
	if err != nil {
		return nil
	}
	return m.mu.canisters[owner]
}

func (c *canister) snapshot(id []byte) *snapshot {
	i := c.snapshotIndex(id)
	if i < 0 {
		return nil
	}
	return c.Snapshots[i]
}

func (c *canister) snapshotIndex(id []byte) int {
	return slices.IndexFunc(c.Snapshots, func(s *snapshot) bool { return bytes.Equal(s.ID, id) })
}

// ownSnapshotLocked finds a snapshot that must be the canister's own.
func (m *Machine) ownSnapshotLocked(c *canister, id []byte) (*snapshot, *Reject) {
	if s := c.snapshot(id); s != nil {
		return s, nil
	}
	if owner := m.snapshotOwnerLocked(id); owner != nil && owner != c && owner.snapshot(id) != nil {
		return nil, reject(CodeRefused, "The snapshot %x does not belong to canister %s", id, c.ID)
	}
	return nil, reject(CodeSnapshotNotFound, "Could not find the snapshot ID %x for canister %s", id, c.ID)
}

// placeLocked is why there is no place for one more snapshot, or for one instead of
// another.
func (m *Machine) placeLocked(c *canister, replace *[]byte) *Reject {
	if replace != nil {
		_, rej := m.ownSnapshotLocked(c, *replace)
		return rej
	}
	if len(c.Snapshots) >= maxSnapshots {
		return reject(CodeRefused, "Canister %s has reached the maximum number of snapshots allowed: %d", c.ID, maxSnapshots)
	}
	return nil
}

// keepSnapshotLocked gives the canister a snapshot, instead of another where one is to
// be replaced.
func (c *canister) keepSnapshot(s *snapshot, replace *[]byte) {
	s.ID = c.newSnapshotID()
	if replace != nil {
		c.dropSnapshot(*replace)
	}
	c.Snapshots = append(c.Snapshots, s)
}

func (c *canister) dropSnapshot(id []byte) {
	i := c.snapshotIndex(id)
	c.Snapshots = slices.Delete(c.Snapshots, i, i+1)
}

// chargeLocked takes the cost of so many instructions.
func (m *Machine) chargeLocked(c *canister, call *managed, instructions uint64) *Reject {
	cost := m.config.Prices.Execution(instructions)
	if c.Balance.Less(m.frozenLocked(c).Add(cost)) {
		return reject(CodeOutOfCycles, "Canister %s is out of cycles: %s costs %v cycles", c.ID, call.method, cost)
	}
	m.spendLocked(c, &c.Consumed.Instructions, cost)
	call.used += instructions
	return nil
}

func (m *Machine) takeSnapshotLocked(ctx context.Context, c *canister, call *managed) answer {
	arg, err := managementapi.DecodeTakeCanisterSnapshotArgs(call.arg)
	switch {
	case err != nil:
		return badPayload(call, err)
	case c.module == nil:
		return rejectOf(reject(CodeRefused, "Failed to create snapshot for empty canister %s", c.ID))
	}
	if rej := m.placeLocked(c, arg.ReplaceSnapshot); rej != nil {
		return rejectOf(rej)
	}
	uninstall := arg.UninstallCode != nil && *arg.UninstallCode
	s, err := m.photographLocked(c)
	if err != nil {
		return encoded(nil, fmt.Errorf("take a snapshot of canister %s: %w", c.ID, err))
	}
	rej := m.makeRoomLocked(c, s, arg.ReplaceSnapshot, uninstall)
	if rej == nil {
		rej = m.chargeLocked(c, call, snapshotBase+s.size())
	}
	if rej != nil {
		return rejectOf(rej)
	}
	c.keepSnapshot(s, arg.ReplaceSnapshot)
	if uninstall {
		m.eraseLocked(ctx, c)
		m.recordLocked(c, call, change{Kind: uninstallation})
	}
	return encoded(managementapi.EncodeTakeCanisterSnapshotResults(s.api()))
}

// photographLocked copies a canister's state. It has no id yet.
func (m *Machine) photographLocked(c *canister) (*snapshot, error) {
	timer, low := c.Timer, c.LowMemory
	s := &snapshot{
		Taken: m.mu.Time, Version: c.Version, Module: pagesOf(c.wasm), Heap: pages{Size: uint64(c.instance.Pages()) * host.WasmPage},
		Stable: pages{Size: c.stable.Pages() * host.WasmPage}, Globals: globalsOf(c.module, c.instance.Globals()),
		Chunks: maps.Clone(c.Chunks), Certified: slices.Clone(c.Certified), Timer: &timer, Hook: &low,
	}
	c.stable.Each(func(n uint64, content []byte) { s.Stable.put(n, slices.Clone(content)) })
	err := c.instance.EachPage(func(at uint64, page []byte) error {
		s.Heap.write(page, at)
		return nil
	})
	return s, err
}

// makeRoomLocked is why the canister cannot pay for keeping a snapshot.
func (m *Machine) makeRoomLocked(c *canister, s *snapshot, replace *[]byte, uninstall bool) *Reject {
	more, less := s.size(), uint64(0)
	if replace != nil {
		less = c.snapshot(*replace).size()
	}
	if uninstall {
		u := c.memoryUse()
		less += u.total() - u.History - u.Snapshots
	}
	if more <= less {
		return nil
	}
	return m.growLocked(c, more-less)
}

func (m *Machine) listSnapshotsLocked(_ context.Context, c *canister, _ *managed) answer {
	out := make([]managementapi.Snapshot, 0, len(c.Snapshots))
	for _, s := range c.Snapshots {
		out = append(out, s.api())
	}
	return encoded(managementapi.EncodeListCanisterSnapshotsResults(out))
}

func (m *Machine) deleteSnapshotLocked(_ context.Context, c *canister, call *managed) answer {
	arg, err := managementapi.DecodeDeleteCanisterSnapshotArgs(call.arg)
	if err != nil {
		return badPayload(call, err)
	}
	if _, rej := m.ownSnapshotLocked(c, arg.SnapshotId); rej != nil {
		return rejectOf(rej)
	}
	c.dropSnapshot(arg.SnapshotId)
	return replyOf(emptyReply)
}
