package state_test

import (
	"bytes"
	"slices"
	"testing"

	"assay/ic/candid"
	"assay/ic/management/managementapi"
	"assay/ic/principal"
	"assay/ic/replica/replicatest"
	"assay/ic/replica/state"
)

func (n *net) take(id principal.Principal, arg managementapi.TakeCanisterSnapshotArg) (managementapi.Snapshot, *state.Reject) {
	n.t.Helper()
	arg.CanisterId = id
	out, rej := n.manage(id, "take_canister_snapshot", must(managementapi.EncodeTakeCanisterSnapshotArgs(arg)))
	if rej != nil {
		return managementapi.Snapshot{}, rej
	}
	return must(managementapi.DecodeTakeCanisterSnapshotResults(out)), nil
}

func (n *net) load(id principal.Principal, snapshot []byte) *state.Reject {
	n.t.Helper()
	_, rej := n.manage(id, "load_canister_snapshot", must(managementapi.EncodeLoadCanisterSnapshotArgs(managementapi.LoadCanisterSnapshotArg{CanisterId: id, SnapshotId: snapshot})))
	return rej
}

func (n *net) snapshots(id principal.Principal) []managementapi.Snapshot {
	n.t.Helper()
	out, rej := n.manage(id, "list_canister_snapshots", about(id))
	n.must(out, rej)
	return must(managementapi.DecodeListCanisterSnapshotsResults(out))
}

func (n *net) metadata(id principal.Principal, snapshot []byte) managementapi.SnapshotMetadata {
	n.t.Helper()
	out, rej := n.manage(id, "read_canister_snapshot_metadata", of(id, snapshot))
	n.must(out, rej)
	return must(managementapi.DecodeReadCanisterSnapshotMetadataResults(out))
}

func of(id principal.Principal, snapshot []byte) []byte {
	return must(managementapi.EncodeDeleteCanisterSnapshotArgs(managementapi.SnapshotOf{CanisterId: id, SnapshotId: snapshot}))
}

// everything is what a canister's state shows of itself.
var everything = program{}.AppendCell(0).AppendGlobal().AppendStableSize().AppendStable(0, 4).AppendCertificate().Send()

// shown is that without the time at the end of the certificate.
func (n *net) shown(id principal.Principal) []byte {
	n.t.Helper()
	got := n.read(id, everything)
	return got[:bytes.LastIndexByte(got, ' ')]
}

func TestSnapshotAndLoad(t *testing.T) {
	t.Parallel()
	n := newNet(t)
	a := n.actor()
	n.reply(a, program{}.Add(0, 5).AddGlobal(6).StableGrow(2).StableWrite(0, []byte("then")).Certify([]byte("cert")).Timer(1e19).Reply(nil))
	_, rej := n.manage(a, "upload_chunk", must(managementapi.EncodeUploadChunkArgs(managementapi.UploadChunkArg{CanisterId: a, Chunk: []byte("chunk")})))
	n.must(nil, rej)
	before, version := n.shown(a), n.info(a).Version
	taken, rej := n.take(a, managementapi.TakeCanisterSnapshotArg{})
	n.must(nil, rej)
	status := n.info(a)
	if taken.TakenAtTimestamp != uint64(n.now.UnixNano()) || status.MemoryMetrics.SnapshotsSize != candid.NewNat(taken.TotalSize) || status.Version != version {
		t.Errorf("taken: %+v, status %+v", taken, status)
	}
	meta := n.metadata(a, taken.Id)
	if meta.Source.TakenFromCanister == nil || meta.CanisterVersion != version || meta.WasmModuleSize != uint64(len(replicatest.Plain())) || string(meta.CertifiedData) != "cert" ||
		meta.StableMemorySize != 2<<16 || len(meta.WasmChunkStore) != 1 || *meta.GlobalTimer.Active != 1e19 || !meta.OnLowWasmMemoryHookStatus.ConditionNotSatisfied ||
		len(meta.Globals) != 3 || *meta.Globals[1].I64 != 6 {
		t.Errorf("metadata: %+v", meta)
	}
	n.reply(a, program{}.Add(0, 1).AddGlobal(1).StableGrow(1).StableWrite(0, []byte("now!")).Certify([]byte("new")).Timer(2e18).Reply(nil))
	n.must(nil, n.install(a, asUpgrade, replicatest.Wasm(replicatest.Options{Different: 1}), nil))
	n.must(n.manage(a, "clear_chunk_store", about(a)))
	n.restart()
	version = n.info(a).Version
	n.must(nil, n.load(a, taken.Id))
	if got := n.shown(a); !bytes.Equal(got, before) {
		t.Errorf("loaded %q, want %q", got, before)
	}
	out, rej := n.manage(a, "stored_chunks", about(a))
	n.must(out, rej)
	if got := must(managementapi.DecodeStoredChunksResults(out)); len(got) != 1 || n.info(a).Version != version+1 {
		t.Errorf("loaded %d chunks, version %d", len(got), n.info(a).Version)
	}
	n.reply(a, program{}.Add(0, 1).Reply(nil)) // the snapshot is not the canister's memory
	n.must(nil, n.load(a, taken.Id))
	if got := n.shown(a); !bytes.Equal(got, before) {
		t.Errorf("loaded again %q, want %q", got, before)
	}
	n.balanced()
}

func TestLoadOntoAnother(t *testing.T) {
	t.Parallel()
	n := newNet(t)
	a, b, watcher := n.actor(), n.create(1e16), n.actor()
	n.reply(a, program{}.Add(0, 5).Reply(nil))
	taken, rej := n.take(a, managementapi.TakeCanisterSnapshotArg{UninstallCode: new(true)})
	n.must(nil, rej)
	if s := n.info(a); s.ModuleHash != nil || s.MemoryMetrics.SnapshotsSize == (candid.Nat{}) {
		t.Errorf("not uninstalled: %+v", s)
	}
	n.must(nil, n.load(b, taken.Id))
	if got := n.read(b, program{}.AppendCell(0).Send()); !bytes.Equal(got, u64(5)) {
		t.Errorf("another canister has %x", got)
	}
	changes := must(managementapi.DecodeCanisterInfoResults(n.allowed(watcher, "canister_info",
		must(managementapi.EncodeCanisterInfoArgs(managementapi.CanisterInfoArg{CanisterId: b, NumRequestedChanges: new(uint64(1))})), 0))).RecentChanges
	if got := changes[0].Details.LoadSnapshot; got == nil || *got.FromCanisterId != a || !bytes.Equal(got.SnapshotId, taken.Id) || got.Source.TakenFromCanister == nil || got.TakenAtTimestamp != taken.TakenAtTimestamp {
		t.Errorf("history: %+v", changes)
	}
	_, rej = n.manage(b, "delete_canister_snapshot", of(b, taken.Id))
	n.refused(rej, "IC0406") // it is the other canister's
	n.must(nil, n.settings(a, managementapi.Settings{Controllers: &[]principal.Principal{other}}))
	n.refused(n.load(b, taken.Id), "IC0512")
	n.balanced()
}

func TestSnapshotsAreFew(t *testing.T) {
	t.Parallel()
	n := newNet(t)
	a, empty := n.actor(), n.create(1e16)
	_, rej := n.take(empty, managementapi.TakeCanisterSnapshotArg{})
	n.refused(rej, "IC0406")
	var ids [][]byte
	for range 10 {
		s, rej := n.take(a, managementapi.TakeCanisterSnapshotArg{})
		n.must(nil, rej)
		ids = append(ids, s.Id)
	}
	_, rej = n.take(a, managementapi.TakeCanisterSnapshotArg{})
	n.refused(rej, "IC0406")
	unknown := []byte("unknown!")
	_, rej = n.take(a, managementapi.TakeCanisterSnapshotArg{ReplaceSnapshot: &unknown})
	n.refused(rej, "IC0305")
	s, rej := n.take(a, managementapi.TakeCanisterSnapshotArg{ReplaceSnapshot: &ids[3]})
	n.must(nil, rej)
	list := n.snapshots(a)
	if len(list) != 10 || slices.ContainsFunc(list, func(s managementapi.Snapshot) bool { return bytes.Equal(s.Id, ids[3]) }) || !bytes.Equal(list[9].Id, s.Id) {
		t.Errorf("after replacing one: %d snapshots", len(list))
	}
	n.refused(n.load(a, ids[3]), "IC0305")
	n.must(n.manage(a, "delete_canister_snapshot", of(a, ids[0])))
	_, rej = n.manage(a, "delete_canister_snapshot", of(a, ids[0]))
	n.refused(rej, "IC0305")
	if got := len(n.snapshots(a)); got != 9 {
		t.Errorf("after deleting one: %d snapshots", got)
	}
	n.must(nil, n.settings(a, managementapi.Settings{SnapshotVisibility: &managementapi.Visibility{AllowedViewers: &[]principal.Principal{other}}}))
	for method, allowed := range map[string]bool{"list_canister_snapshots": true, "read_canister_snapshot_metadata": true, "take_canister_snapshot": false, "delete_canister_snapshot": false} {
		_, rej := n.submit(state.Ingress{Effective: a, Sender: other, Method: method, Arg: of(a, ids[5])})
		if allowed != (rej == nil) {
			t.Errorf("%s by a viewer: %v", method, rej)
		}
	}
	n.rounds()
	n.balanced()
}

// copySnapshot downloads a snapshot and uploads it to another canister.
func (n *net) copySnapshot(from principal.Principal, id []byte, to principal.Principal) []byte {
	n.t.Helper()
	meta := n.metadata(from, id)
	out, rej := n.manage(to, "upload_canister_snapshot_metadata", must(managementapi.EncodeUploadCanisterSnapshotMetadataArgs(managementapi.SnapshotUpload{
		CanisterId: to, WasmModuleSize: meta.WasmModuleSize, Globals: meta.Globals, WasmMemorySize: meta.WasmMemorySize, StableMemorySize: meta.StableMemorySize,
		CertifiedData: meta.CertifiedData, GlobalTimer: meta.GlobalTimer, OnLowWasmMemoryHookStatus: meta.OnLowWasmMemoryHookStatus,
	})))
	n.must(out, rej)
	copied := must(managementapi.DecodeUploadCanisterSnapshotMetadataResults(out)).SnapshotId
	move := func(read managementapi.SnapshotReadKind, write managementapi.SnapshotWriteKind) {
		out, rej := n.manage(from, "read_canister_snapshot_data", must(managementapi.EncodeReadCanisterSnapshotDataArgs(managementapi.SnapshotRead{CanisterId: from, SnapshotId: id, Kind: read})))
		n.must(out, rej)
		chunk := must(managementapi.DecodeReadCanisterSnapshotDataResults(out)).Chunk
		n.must(n.manage(to, "upload_canister_snapshot_data", must(managementapi.EncodeUploadCanisterSnapshotDataArgs(managementapi.SnapshotWrite{CanisterId: to, SnapshotId: copied, Kind: write, Chunk: chunk}))))
	}
	const step = 100_000
	each := func(size uint64, read func(*managementapi.Slice) managementapi.SnapshotReadKind, write func(*managementapi.Position) managementapi.SnapshotWriteKind) {
		for at := uint64(0); at < size; at += step {
			move(read(&managementapi.Slice{Offset: at, Size: min(step, size-at)}), write(&managementapi.Position{Offset: at}))
		}
	}
	each(meta.WasmModuleSize, func(s *managementapi.Slice) managementapi.SnapshotReadKind {
		return managementapi.SnapshotReadKind{WasmModule: s}
	},
		func(p *managementapi.Position) managementapi.SnapshotWriteKind {
			return managementapi.SnapshotWriteKind{WasmModule: p}
		})
	each(meta.WasmMemorySize, func(s *managementapi.Slice) managementapi.SnapshotReadKind {
		return managementapi.SnapshotReadKind{WasmMemory: s}
	},
		func(p *managementapi.Position) managementapi.SnapshotWriteKind {
			return managementapi.SnapshotWriteKind{WasmMemory: p}
		})
	each(meta.StableMemorySize, func(s *managementapi.Slice) managementapi.SnapshotReadKind {
		return managementapi.SnapshotReadKind{StableMemory: s}
	},
		func(p *managementapi.Position) managementapi.SnapshotWriteKind {
			return managementapi.SnapshotWriteKind{StableMemory: p}
		})
	for _, hash := range meta.WasmChunkStore {
		move(managementapi.SnapshotReadKind{WasmChunk: &hash}, managementapi.SnapshotWriteKind{WasmChunk: true})
	}
	return copied
}

func TestSnapshotCopied(t *testing.T) {
	t.Parallel()
	n := newNet(t)
	a, b := n.actor(), n.create(1e17)
	n.reply(a, program{}.Add(0, 5).AddGlobal(6).StableGrow(2).StableWrite(65_500, bytes.Repeat([]byte("x"), 100)).Certify([]byte("cert")).Timer(1e19).Reply(nil))
	_, rej := n.manage(a, "upload_chunk", must(managementapi.EncodeUploadChunkArgs(managementapi.UploadChunkArg{CanisterId: a, Chunk: []byte("chunk")})))
	n.must(nil, rej)
	taken, rej := n.take(a, managementapi.TakeCanisterSnapshotArg{})
	n.must(nil, rej)
	copied := n.copySnapshot(a, taken.Id, b)
	n.restart()
	if got := n.metadata(b, copied); got.Source.MetadataUpload == nil || n.snapshots(b)[0].TotalSize != taken.TotalSize {
		t.Errorf("copied: %+v", got)
	}
	n.must(nil, n.load(b, copied))
	// All but the id in the certificate is the same.
	if got, want := n.shown(b), bytes.Replace(n.shown(a), []byte(a.String()), []byte(b.String()), 1); !bytes.Equal(got, want) {
		t.Errorf("loaded %q, want %q", got, want)
	}
	again, rej := n.take(b, managementapi.TakeCanisterSnapshotArg{})
	n.must(nil, rej)
	if got := n.metadata(b, again.Id); *got.GlobalTimer.Active != 1e19 || len(got.WasmChunkStore) != 1 {
		t.Errorf("after loading: %+v", got)
	}
	n.balanced()
}

func TestBadSnapshotUploads(t *testing.T) {
	t.Parallel()
	n := newNet(t)
	a := n.actor()
	taken, rej := n.take(a, managementapi.TakeCanisterSnapshotArg{})
	n.must(nil, rej)
	create := func(change func(*managementapi.SnapshotUpload)) []byte {
		t.Helper()
		meta := n.metadata(a, taken.Id)
		up := managementapi.SnapshotUpload{CanisterId: a, WasmModuleSize: meta.WasmModuleSize, Globals: meta.Globals, WasmMemorySize: meta.WasmMemorySize}
		change(&up)
		out, rej := n.manage(a, "upload_canister_snapshot_metadata", must(managementapi.EncodeUploadCanisterSnapshotMetadataArgs(up)))
		n.must(out, rej)
		return must(managementapi.DecodeUploadCanisterSnapshotMetadataResults(out)).SnapshotId
	}
	write := func(id []byte, kind managementapi.SnapshotWriteKind, chunk []byte) *state.Reject {
		_, rej := n.manage(a, "upload_canister_snapshot_data", must(managementapi.EncodeUploadCanisterSnapshotDataArgs(managementapi.SnapshotWrite{CanisterId: a, SnapshotId: id, Kind: kind, Chunk: chunk})))
		return rej
	}
	module := func(at uint64) managementapi.SnapshotWriteKind {
		return managementapi.SnapshotWriteKind{WasmModule: &managementapi.Position{Offset: at}}
	}
	good := create(func(*managementapi.SnapshotUpload) {})
	size := uint64(len(replicatest.Plain()))
	n.refused(write(taken.Id, module(0), []byte("x")), "IC0409")
	n.refused(write(good, module(size), []byte("x")), "IC0408")
	n.refused(write(good, module(1<<64-1), []byte("x")), "IC0408")
	n.refused(write([]byte("unknown"), module(0), []byte("x")), "IC0305")
	n.refused(write(good, managementapi.SnapshotWriteKind{WasmChunk: true}, make([]byte, 1<<20+1)), "IC0504")
	n.refused(n.load(a, good), "IC0505") // a module of zeros
	n.must(nil, write(good, module(0), replicatest.Plain()))
	n.must(nil, n.load(a, good))
	for name, change := range map[string]func(*managementapi.SnapshotUpload){
		"half a page of heap": func(up *managementapi.SnapshotUpload) { up.WasmMemorySize += 1000 },
		"too little heap":     func(up *managementapi.SnapshotUpload) { up.WasmMemorySize = 1 << 16 },
		"half a stable page":  func(up *managementapi.SnapshotUpload) { up.StableMemorySize = 100 },
		"a global too few":    func(up *managementapi.SnapshotUpload) { up.Globals = up.Globals[1:] },
		"a global of another type": func(up *managementapi.SnapshotUpload) {
			up.Globals = append([]managementapi.WasmGlobal{{F64: new(1.5)}}, up.Globals[1:]...)
		},
		"a hook that does not fit": func(up *managementapi.SnapshotUpload) {
			up.OnLowWasmMemoryHookStatus = &managementapi.HookStatus{Ready: true}
		},
	} {
		id := create(change)
		n.must(nil, write(id, module(0), replicatest.Plain()))
		n.refused(n.load(a, id), "IC0408")
		n.must(n.manage(a, "delete_canister_snapshot", of(a, id)))
		if t.Failed() {
			t.Fatal(name)
		}
	}
	read := func(kind managementapi.SnapshotReadKind) *state.Reject {
		_, rej := n.manage(a, "read_canister_snapshot_data", must(managementapi.EncodeReadCanisterSnapshotDataArgs(managementapi.SnapshotRead{CanisterId: a, SnapshotId: taken.Id, Kind: kind})))
		return rej
	}
	n.refused(read(managementapi.SnapshotReadKind{WasmModule: &managementapi.Slice{Offset: size, Size: 1}}), "IC0408")
	n.refused(read(managementapi.SnapshotReadKind{WasmMemory: &managementapi.Slice{Offset: 1<<64 - 1, Size: 2}}), "IC0408")
	n.refused(read(managementapi.SnapshotReadKind{StableMemory: &managementapi.Slice{Size: 1}}), "IC0408")
	n.refused(read(managementapi.SnapshotReadKind{WasmMemory: &managementapi.Slice{Size: 2_000_001}}), "IC0408")
	n.refused(read(managementapi.SnapshotReadKind{WasmChunk: &managementapi.ChunkHash{Hash: make([]byte, 32)}}), "IC0504")
	_, rej = n.manage(a, "upload_canister_snapshot_metadata", must(managementapi.EncodeUploadCanisterSnapshotMetadataArgs(managementapi.SnapshotUpload{CanisterId: a, StableMemorySize: 1 << 60})))
	n.refused(rej, "IC0408")
	poor := n.create(1e13)
	_, rej = n.manage(poor, "upload_canister_snapshot_metadata", must(managementapi.EncodeUploadCanisterSnapshotMetadataArgs(managementapi.SnapshotUpload{CanisterId: poor, StableMemorySize: 500 << 30})))
	n.refused(rej, "IC0532")
	n.balanced()
}
