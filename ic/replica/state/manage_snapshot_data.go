package state

import (
	"context"
	"crypto/sha256"
	"math"
	"slices"

	"assay/ic/candid"
	"assay/ic/management/managementapi"
	"assay/ic/replica/host"
	"assay/ic/wasm/module"
)

const (
	maxSlice  = 2_000_000 // bytes of one read
	maxModule = 100 << 20 // bytes of an uploaded module
)

// global is the value of a global in a snapshot.
type global struct {
	Type   byte   // of package ic/wasm/module
	Lo, Hi uint64 // its bits
}

// globalsOf are a module's globals with these values of the mutable ones.
func globalsOf(m *host.Module, values []uint64) []global {
	var out []global
	for _, g := range m.Globals() {
		value := global{byte(g.Type), g.Lo, g.Hi}
		if g.Mutable {
			value.Lo, values = values[0], values[1:]
		}
		out = append(out, value)
	}
	return out
}

func (g global) api() (out managementapi.WasmGlobal) {
	switch module.ValType(g.Type) {
	case module.I32:
		out.I32 = new(int32(uint32(g.Lo)))
	case module.I64:
		out.I64 = new(int64(g.Lo))
	case module.F32:
		out.F32 = new(math.Float32frombits(uint32(g.Lo)))
	case module.F64:
		out.F64 = new(math.Float64frombits(g.Lo))
	case module.V128:
		out.V128 = &candid.Nat{Hi: g.Hi, Lo: g.Lo}
	}
	return out
}

func globalFrom(in managementapi.WasmGlobal) global {
	switch {
	case in.I32 != nil:
		return global{Type: byte(module.I32), Lo: uint64(uint32(*in.I32))}
	case in.I64 != nil:
		return global{Type: byte(module.I64), Lo: uint64(*in.I64)}
	case in.F32 != nil:
		return global{Type: byte(module.F32), Lo: uint64(math.Float32bits(*in.F32))}
	case in.F64 != nil:
		return global{Type: byte(module.F64), Lo: math.Float64bits(*in.F64)}
	case in.V128 != nil:
		return global{byte(module.V128), in.V128.Lo, in.V128.Hi}
	}
	return global{}
}

func (m *Machine) snapshotMetadataLocked(_ context.Context, c *canister, call *managed) answer {
	arg, err := managementapi.DecodeReadCanisterSnapshotMetadataArgs(call.arg)
	if err != nil {
		return badPayload(call, err)
	}
	s, rej := m.ownSnapshotLocked(c, arg.SnapshotId)
	if rej != nil {
		return rejectOf(rej)
	}
	out := managementapi.SnapshotMetadata{
		Source: sourceOf(s.Uploaded), TakenAtTimestamp: s.Taken, WasmModuleSize: s.Module.Size, WasmMemorySize: s.Heap.Size,
		StableMemorySize: s.Stable.Size, WasmChunkStore: s.Chunks.hashes(), CanisterVersion: s.Version, CertifiedData: s.Certified,
		Globals: make([]managementapi.WasmGlobal, 0, len(s.Globals)),
	}
	for _, g := range s.Globals {
		out.Globals = append(out.Globals, g.api())
	}
	if t := s.Timer; t != nil {
		out.GlobalTimer = &managementapi.GlobalTimer{Inactive: *t == 0}
		if *t != 0 {
			out.GlobalTimer.Active = t
		}
	}
	if h := s.Hook; h != nil {
		out.OnLowWasmMemoryHookStatus = &managementapi.HookStatus{ConditionNotSatisfied: *h == hookOff, Ready: *h == hookReady, Executed: *h == hookRan}
	}
	return encoded(managementapi.EncodeReadCanisterSnapshotMetadataResults(out))
}

func (m *Machine) readSnapshotLocked(_ context.Context, c *canister, call *managed) answer {
	arg, err := managementapi.DecodeReadCanisterSnapshotDataArgs(call.arg)
	if err != nil {
		return badPayload(call, err)
	}
	s, rej := m.ownSnapshotLocked(c, arg.SnapshotId)
	if rej != nil {
		return rejectOf(rej)
	}
	chunk, rej := s.part(&arg.Kind)
	if rej == nil {
		rej = m.chargeLocked(c, call, snapshotAccessBase+uint64(len(chunk)))
	}
	if rej != nil {
		return rejectOf(rej)
	}
	return encoded(managementapi.EncodeReadCanisterSnapshotDataResults(managementapi.ReadCanisterSnapshotDataResult{Chunk: chunk}))
}

// part reads what is asked for.
func (s *snapshot) part(kind *managementapi.SnapshotReadKind) ([]byte, *Reject) {
	switch {
	case kind.WasmModule != nil:
		return s.Module.slice(kind.WasmModule)
	case kind.WasmMemory != nil:
		return s.Heap.slice(kind.WasmMemory)
	case kind.StableMemory != nil:
		return s.Stable.slice(kind.StableMemory)
	}
	hash := kind.WasmChunk.Hash
	if len(hash) == sha256.Size {
		if chunk, ok := s.Chunks[[32]byte(hash)]; ok {
			return chunk, nil
		}
	}
	return nil, chunkError("Chunk hash %x was not found", hash)
}

func (p *pages) slice(at *managementapi.Slice) ([]byte, *Reject) {
	switch {
	case at.Size > maxSlice:
		return nil, reject(CodeBadPayload, "Requested slice too large: %d > %d", at.Size, maxSlice)
	case !p.inBounds(at.Offset, at.Size):
		return nil, badSlice(at.Offset, at.Size)
	}
	return p.read(at.Offset, at.Size), nil
}

func badSlice(offset, size uint64) *Reject {
	return reject(CodeBadPayload, "Invalid subslice into wasm module / main memory / stable memory: offset: %d, size: %d", offset, size)
}

// createSnapshotLocked makes a snapshot of zeros, which is filled by uploads.
func (m *Machine) createSnapshotLocked(_ context.Context, c *canister, call *managed) answer {
	arg, err := managementapi.DecodeUploadCanisterSnapshotMetadataArgs(call.arg)
	if err != nil {
		return badPayload(call, err)
	}
	s, rej := m.blankLocked(c, &arg)
	if rej == nil {
		rej = m.placeLocked(c, arg.ReplaceSnapshot)
	}
	if rej == nil {
		rej = m.makeRoomLocked(c, s, arg.ReplaceSnapshot, false)
	}
	if rej == nil {
		rej = m.chargeLocked(c, call, snapshotBase)
	}
	if rej != nil {
		return rejectOf(rej)
	}
	c.keepSnapshot(s, arg.ReplaceSnapshot)
	return encoded(managementapi.EncodeUploadCanisterSnapshotMetadataResults(managementapi.UploadCanisterSnapshotMetadataResult{SnapshotId: s.ID}))
}

func (m *Machine) blankLocked(c *canister, arg *managementapi.SnapshotUpload) (*snapshot, *Reject) {
	const maxGlobals = 1000
	switch {
	case arg.WasmModuleSize > maxModule, arg.WasmMemorySize > 4<<30, arg.StableMemorySize > host.MaxStablePages*host.WasmPage:
		return nil, reject(CodeBadPayload, "the sizes of the snapshot are over the limits of a canister")
	case len(arg.Globals) > maxGlobals || len(arg.CertifiedData) > host.MaxCertified:
		return nil, reject(CodeBadPayload, "the globals or the certified data of the snapshot are over the limits of a canister")
	}
	s := &snapshot{
		Uploaded: true, Taken: m.mu.Time, Version: c.Version, Module: pages{Size: arg.WasmModuleSize}, Heap: pages{Size: arg.WasmMemorySize},
		Stable: pages{Size: arg.StableMemorySize}, Certified: slices.Clone(arg.CertifiedData),
	}
	for _, g := range arg.Globals {
		s.Globals = append(s.Globals, globalFrom(g))
	}
	if t := arg.GlobalTimer; t != nil {
		s.Timer = new(uint64)
		if t.Active != nil {
			*s.Timer = *t.Active
		}
	}
	if h := arg.OnLowWasmMemoryHookStatus; h != nil {
		s.Hook = new(hookOff)
		switch {
		case h.Ready:
			*s.Hook = hookReady
		case h.Executed:
			*s.Hook = hookRan
		}
	}
	return s, nil
}

func (m *Machine) writeSnapshotLocked(_ context.Context, c *canister, call *managed) answer {
	arg, err := managementapi.DecodeUploadCanisterSnapshotDataArgs(call.arg)
	if err != nil {
		return badPayload(call, err)
	}
	s, rej := m.ownSnapshotLocked(c, arg.SnapshotId)
	switch {
	case rej != nil:
		return rejectOf(rej)
	case !s.Uploaded:
		return rejectOf(reject(CodeSnapshotFixed, "Only canister snapshots created by metadata upload can be mutated"))
	}
	write, rej := m.placeOfLocked(c, s, &arg)
	if rej == nil {
		rej = m.chargeLocked(c, call, snapshotAccessBase+uint64(len(arg.Chunk)))
	}
	if rej != nil {
		return rejectOf(rej)
	}
	write()
	return replyOf(emptyReply)
}

// placeOfLocked checks where a chunk goes and returns how it is put there.
func (m *Machine) placeOfLocked(c *canister, s *snapshot, arg *managementapi.SnapshotWrite) (write func(), rej *Reject) {
	to, at := &s.Stable, arg.Kind.StableMemory
	switch {
	case arg.Kind.WasmModule != nil:
		to, at = &s.Module, arg.Kind.WasmModule
	case arg.Kind.WasmMemory != nil:
		to, at = &s.Heap, arg.Kind.WasmMemory
	case arg.Kind.WasmChunk:
		return m.addChunkLocked(c, s, arg.Chunk)
	}
	if !to.inBounds(at.Offset, uint64(len(arg.Chunk))) {
		return nil, badSlice(at.Offset, uint64(len(arg.Chunk)))
	}
	return func() { to.write(arg.Chunk, at.Offset) }, nil
}

func (m *Machine) addChunkLocked(c *canister, s *snapshot, chunk []byte) (write func(), rej *Reject) {
	hash := sha256.Sum256(chunk)
	_, known := s.Chunks[hash]
	switch {
	case len(chunk) > maxChunk:
		return nil, chunkError("Wasm chunk size %d exceeds the maximum chunk size of %d", len(chunk), maxChunk)
	case known:
		return func() {}, nil
	case len(s.Chunks) >= maxChunks:
		return nil, chunkError("Wasm chunk store has already reached maximum capacity of %d chunks", maxChunks)
	}
	if rej := m.growLocked(c, maxChunk); rej != nil {
		return nil, rej
	}
	return func() {
		if s.Chunks == nil {
			s.Chunks = chunkStore{}
		}
		s.Chunks[hash] = slices.Clone(chunk)
	}, nil
}
