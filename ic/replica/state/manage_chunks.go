package state

import (
	"bytes"
	"context"
	"crypto/sha256"
	"maps"
	"slices"

	"github.com/fxamacker/cbor/v2"

	"assay/ic/management/managementapi"
	"assay/ic/principal"
	"assay/ic/replica/host"
)

// Limits of a chunk store.
const (
	maxChunk  = 1 << 20 // bytes; what each chunk is charged for
	maxChunks = 100
)

// chunkStore holds parts of modules by their SHA-256.
type chunkStore map[[32]byte][]byte

// MarshalCBOR writes the hashes. The chunks are contents of a checkpoint.
func (s chunkStore) MarshalCBOR() ([]byte, error) {
	return cbor.Marshal(slices.SortedFunc(maps.Keys(s), func(a, b [32]byte) int { return bytes.Compare(a[:], b[:]) }))
}

// UnmarshalCBOR reads the hashes.
func (s *chunkStore) UnmarshalCBOR(raw []byte) error {
	var hashes [][32]byte
	if err := cbor.Unmarshal(raw, &hashes); err != nil {
		return err
	}
	*s = nil
	for _, hash := range hashes {
		if *s == nil {
			*s = chunkStore{}
		}
		(*s)[hash] = nil
	}
	return nil
}

// chunkStores are those of the canister and its snapshots.
func (c *canister) chunkStores() []*chunkStore {
	stores := []*chunkStore{&c.Chunks}
	for _, s := range c.Snapshots {
		if s != nil {
			stores = append(stores, &s.Chunks)
		}
	}
	return stores
}

func (s chunkStore) size() uint64 { return uint64(len(s)) * maxChunk }

// hashes are those of the chunks, in order.
func (s chunkStore) hashes() []managementapi.ChunkHash {
	out := make([]managementapi.ChunkHash, 0, len(s))
	for hash := range s {
		out = append(out, managementapi.ChunkHash{Hash: hash[:]})
	}
	slices.SortFunc(out, func(a, b managementapi.ChunkHash) int { return bytes.Compare(a.Hash, b.Hash) })
	return out
}

func chunkError(format string, args ...any) *Reject {
	return reject(host.CodeContract, "Error from Wasm chunk store: "+format, args...)
}

func (m *Machine) uploadChunkLocked(_ context.Context, c *canister, call *managed) answer {
	arg, err := managementapi.DecodeUploadChunkArgs(call.arg)
	if err != nil {
		return badPayload(call, err)
	}
	hash := sha256.Sum256(arg.Chunk)
	_, known := c.Chunks[hash]
	switch {
	case len(arg.Chunk) > maxChunk:
		return rejectOf(chunkError("Wasm chunk size %d exceeds the maximum chunk size of %d", len(arg.Chunk), maxChunk))
	case !known && len(c.Chunks) >= maxChunks:
		return rejectOf(chunkError("Wasm chunk store has already reached maximum capacity of %d chunks", maxChunks))
	}
	if !known {
		if rej := m.growLocked(c, maxChunk); rej != nil {
			return rejectOf(rej)
		}
		if c.Chunks == nil {
			c.Chunks = chunkStore{}
		}
		c.Chunks[hash] = slices.Clone(arg.Chunk)
	}
	return encoded(managementapi.EncodeUploadChunkResults(managementapi.ChunkHash{Hash: hash[:]}))
}

// growLocked is why a canister cannot pay for so many more bytes: it would be frozen.
func (m *Machine) growLocked(c *canister, more uint64) *Reject {
	needed := m.config.Prices.Storage(max(c.memorySize()+more, c.Settings.MemoryAllocation), c.Settings.ComputeAllocation, min(c.Settings.FreezingThreshold, maxFreezing))
	if c.Balance.Less(needed) {
		return reject(CodeGrowCycles, "Canister cannot grow memory by %d bytes due to insufficient cycles. At least %v additional cycles are required", more, needed.Sub(c.Balance))
	}
	return nil
}

func (m *Machine) clearChunksLocked(_ context.Context, c *canister, _ *managed) answer {
	c.Chunks = nil
	return replyOf(emptyReply)
}

func (m *Machine) storedChunksLocked(_ context.Context, c *canister, _ *managed) answer {
	return encoded(managementapi.EncodeStoredChunksResults(c.Chunks.hashes()))
}

// installChunkedLocked installs a module put together of chunks.
func (m *Machine) installChunkedLocked(ctx context.Context, c *canister, call *managed) answer {
	arg, err := managementapi.DecodeInstallChunkedCodeArgs(call.arg)
	if err != nil {
		return badPayload(call, err)
	}
	store, rej := m.storeLocked(c, arg.StoreCanister, call.caller)
	if rej != nil {
		return rejectOf(rej)
	}
	wasm, rej := assemble(store, &arg)
	if rej != nil {
		return rejectOf(rej)
	}
	return m.installModuleLocked(ctx, c, call, managementapi.InstallCode{
		Mode: arg.Mode, CanisterId: c.ID, WasmModule: wasm, Arg: arg.Arg, SenderCanisterVersion: arg.SenderCanisterVersion,
	})
}

// storeLocked is the canister whose chunks are meant, if the caller may use them.
func (m *Machine) storeLocked(target *canister, id *principal.Principal, caller principal.Principal) (*canister, *Reject) {
	if id == nil || *id == target.ID {
		return target, nil
	}
	store := m.mu.canisters[*id]
	switch {
	case store == nil:
		return nil, chunkError("Store canister %s was not found on subnet %s of target canister %s", *id, m.config.Subnet, target.ID)
	case !store.controlledBy(caller) && caller != store.ID:
		return nil, reject(CodeNotController, "Only the controllers of the canister %s can use its chunks", store.ID)
	}
	return store, nil
}

// assemble puts a module together and compares its hash.
func assemble(store *canister, arg *managementapi.InstallChunkedCode) ([]byte, *Reject) {
	if len(arg.ChunkHashesList) > maxChunks {
		return nil, chunkError("%d chunks are over the limit of %d", len(arg.ChunkHashesList), maxChunks)
	}
	var wasm []byte
	for _, h := range arg.ChunkHashesList {
		if len(h.Hash) != sha256.Size {
			return nil, chunkError("Chunk hash is invalid. The length is not %d", sha256.Size)
		}
		chunk, ok := store.Chunks[[32]byte(h.Hash)]
		if !ok {
			return nil, chunkError("Chunk hash %x was not found", h.Hash)
		}
		wasm = append(wasm, chunk...)
	}
	if sum := sha256.Sum256(wasm); !bytes.Equal(sum[:], arg.WasmModuleHash) {
		return nil, chunkError("Wasm module hash %x does not match given hash %x", sum, arg.WasmModuleHash)
	}
	return wasm, nil
}
