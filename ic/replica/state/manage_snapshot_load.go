package state

import (
	"context"
	"maps"
	"slices"

	"assay/ic/management/managementapi"
	"assay/ic/replica/host"
)

func inconsistent(format string, args ...any) *Reject {
	return reject(CodeBadPayload, "The snapshot is not consistent: "+format, args...)
}

// loadSnapshotLocked gives a canister the state in a snapshot, of its own or of another
// canister that the caller controls. If anything fails, the canister is as before.
func (m *Machine) loadSnapshotLocked(ctx context.Context, c *canister, call *managed) answer {
	arg, err := managementapi.DecodeLoadCanisterSnapshotArgs(call.arg)
	if err != nil {
		return badPayload(call, err)
	}
	owner, s, rej := m.loadableLocked(c, call, arg.SnapshotId)
	if rej == nil {
		rej = m.affordLoadLocked(c, call, s)
	}
	if rej != nil {
		return rejectOf(rej)
	}
	l, rej := m.prepareLocked(ctx, c, s)
	if rej != nil {
		return rejectOf(rej)
	}
	m.unloadLocked(ctx, c)
	c.module, c.instance, c.stable, c.wasm = l.module, l.instance, l.stable, l.module.Source
	c.Chunks, c.Certified = maps.Clone(s.Chunks), slices.Clone(s.Certified)
	if s.Uploaded && s.Timer != nil {
		c.Timer = *s.Timer
	}
	if s.Uploaded && s.Hook != nil {
		c.LowMemory = *s.Hook
	}
	c.Version++
	c.Installed = m.mu.Time
	what := &loaded{ID: s.ID, Version: s.Version, Taken: s.Taken, Uploaded: s.Uploaded}
	if owner != c {
		what.From = &owner.ID
	}
	m.recordLocked(c, call, change{Kind: snapshotLoaded, Loaded: what})
	return replyOf(emptyReply)
}

// loadableLocked finds the snapshot and its owner, if the caller may load it.
func (m *Machine) loadableLocked(c *canister, call *managed, id []byte) (*canister, *snapshot, *Reject) {
	owner := m.snapshotOwnerLocked(id)
	if owner == nil || owner.snapshot(id) == nil {
		return nil, nil, reject(CodeSnapshotNotFound, "Could not find the snapshot ID %x for canister %s", id, c.ID)
	}
	if !owner.controlledBy(call.caller) {
		return nil, nil, reject(CodeNotController, "Only controllers of canister %s can load its snapshots", owner.ID)
	}
	return owner, owner.snapshot(id), nil
}

func (m *Machine) affordLoadLocked(c *canister, call *managed, s *snapshot) *Reject {
	u := c.memoryUse()
	before := u.Heap + u.Stable + u.Globals + u.Module + u.Chunks
	if after := s.size(); after > before {
		if rej := m.growLocked(c, after-before); rej != nil {
			return rej
		}
	}
	return m.chargeLocked(c, call, snapshotBase+s.size())
}

// loading is a canister's code and memory made of a snapshot.
type loading struct {
	wasm     []byte
	module   *host.Module
	instance *host.Instance
	stable   *host.Stable
}

// prepareLocked makes an instance of what is in a snapshot, or says why that cannot be
// one.
func (m *Machine) prepareLocked(ctx context.Context, c *canister, s *snapshot) (*loading, *Reject) {
	if rej := m.checkSizesLocked(c, s); rej != nil {
		return nil, rej
	}
	l := &loading{wasm: s.Module.read(0, s.Module.Size), stable: host.NewStable(m.config.StablePages)}
	var err error
	if l.module, err = m.config.Engine.Compile(ctx, l.wasm); err != nil {
		return nil, reject(CodeInvalidWasm, "Canister's Wasm module is not valid: %v", err)
	}
	values, rej := valuesFor(l.module, s.Globals)
	if rej == nil {
		rej = l.resume(ctx, s, values)
	}
	if rej != nil {
		l.module.Release()
		return nil, rej
	}
	return l, nil
}

func (l *loading) resume(ctx context.Context, s *snapshot, values []uint64) *Reject {
	err := l.stable.Restore(s.Stable.Size/host.WasmPage, func(stable *host.Stable) (err error) {
		s.Stable.each(func(n uint64, content []byte) {
			if err == nil {
				_, err = stable.Write(content, n*host.WasmPage)
			}
		})
		return err
	})
	if err != nil {
		return inconsistent("%v", err)
	}
	image := host.Image{Heap: s.Heap.read(0, s.Heap.Size), Globals: values}
	if l.instance, err = l.module.Resume(ctx, image); err != nil {
		return inconsistent("%v", err)
	}
	return nil
}

// checkSizesLocked holds that memory is whole pages within the limits, and that what an
// upload says of the low-memory hook fits the heap that it brings.
func (m *Machine) checkSizesLocked(c *canister, s *snapshot) *Reject {
	switch {
	case s.Heap.Size%host.WasmPage != 0 || s.Heap.Size > 4<<30:
		return inconsistent("a heap of %d bytes is not some pages of 64 KiB", s.Heap.Size)
	case s.Stable.Size%host.WasmPage != 0 || s.Stable.Size/host.WasmPage > m.config.StablePages:
		return inconsistent("a stable memory of %d bytes is not some pages of 64 KiB, at most %d", s.Stable.Size, m.config.StablePages)
	case len(s.Certified) > host.MaxCertified:
		return inconsistent("%d bytes of certified data are over the limit of %d", len(s.Certified), host.MaxCertified)
	}
	if s.Uploaded && s.Hook != nil {
		limit := c.Settings.WasmMemoryLimit
		if limit == 0 {
			limit = 4 << 30
		}
		low := limit < s.Heap.Size+min(c.Settings.WasmThreshold, 1<<62)
		if low != (*s.Hook != hookOff) {
			return inconsistent("its on_low_wasm_memory hook status does not fit the wasm memory limit and threshold of canister %s", c.ID)
		}
	}
	return nil
}

// valuesFor are the values of the mutable globals of a module in a snapshot's globals.
func valuesFor(module *host.Module, globals []global) ([]uint64, *Reject) {
	want := module.Globals()
	if len(want) != len(globals) {
		return nil, inconsistent("it has %d globals, its module has %d that are mutable or exported", len(globals), len(want))
	}
	var values []uint64
	for i, g := range globals {
		switch {
		case g.Type != byte(want[i].Type):
			return nil, inconsistent("global %d has another type than in its module", i)
		case want[i].Mutable:
			values = append(values, g.Lo)
		}
	}
	return values, nil
}
