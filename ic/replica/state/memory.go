package state

import (
	"assay/ic/candid"
	"assay/ic/management/managementapi"
	"assay/ic/replica/host"
)

// memoryUse is what a canister keeps, in bytes.
type memoryUse struct {
	Heap, Stable, Globals, Module, Customs, History, Chunks, Snapshots uint64

	Log uint64 // is free and does not count
}

func (c *canister) memoryUse() memoryUse {
	u := memoryUse{
		Stable: c.stable.CommittedPages() * host.WasmPage, History: c.History.Bytes,
		Chunks: c.Chunks.size(), Snapshots: c.snapshotsSize(), Log: uint64(c.logSize()),
	}
	if c.module != nil {
		u.Heap = uint64(c.instance.CommittedPages()) * host.WasmPage
		u.Globals = uint64(len(c.module.Globals())) * 8
		u.Module = uint64(len(c.wasm))
		u.Customs = c.module.CustomBytes
	}
	return u
}

func (u memoryUse) total() uint64 {
	return u.Heap + u.Stable + u.Globals + u.Module + u.Customs + u.History + u.Chunks + u.Snapshots
}

func (u memoryUse) api() managementapi.MemoryMetrics {
	return managementapi.MemoryMetrics{
		WasmMemorySize: candid.NewNat(u.Heap), StableMemorySize: candid.NewNat(u.Stable), GlobalMemorySize: candid.NewNat(u.Globals),
		WasmBinarySize: candid.NewNat(u.Module), CustomSectionsSize: candid.NewNat(u.Customs), CanisterHistorySize: candid.NewNat(u.History),
		WasmChunkStoreSize: candid.NewNat(u.Chunks), SnapshotsSize: candid.NewNat(u.Snapshots), LogMemoryStoreSize: candid.NewNat(u.Log),
	}
}

// memorySize is all that a canister keeps, in bytes.
func (c *canister) memorySize() uint64 { return c.memoryUse().total() }
