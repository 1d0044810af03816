package state

import (
	"context"
	"crypto/sha256"
	"errors"
	"fmt"

	"github.com/fxamacker/cbor/v2"

	"assay/ic/principal"
	"assay/ic/replica/host"
)

// ErrBadCheckpoint is a checkpoint that is not of this state machine.
var ErrBadCheckpoint = errors.New("not a state of this network")

// Checkpoint is everything between two batches. Its contents are those that the core
// names; most are in the last checkpoint already, under the same names.
type Checkpoint struct {
	Number   uint64 // of the last batch
	Core     []byte
	Contents []Content

	machine *Machine
	kept    []keptContent
}

// keptContent is a content that the checkpoint has for memories.
type keptContent struct {
	holder
	mark
	name string
}

// coreLayout is the layout of the core and of contents. It rises with every change by which
// what was kept is no longer read as it was meant; other layouts are refused.
const coreLayout = 1

// saved is the core: all but modules, chunks and memories.
type saved struct {
	Layout    uint64
	Number    uint64 // of the last batch
	Time      uint64 // of the last round
	Pruned    uint64
	Settings  Settings
	Pool      []*wireIngress
	Counters  counters
	Money     money
	Queue     []*message
	Requests  map[RequestID]*request
	Canisters []savedCanister
	Deleted   map[principal.Principal]bool
	Outcalls  map[uint64]*openOutcall
}

type savedCanister struct {
	Canister  *canister
	Module    []byte   // hash; empty where none is installed
	Memory    string   // name of the content
	Snapshots []string // names of theirs
}

// savedLocked is the core, with the names that memory gives.
func (m *Machine) savedLocked(memory func(holder) string) saved {
	s := saved{
		Layout: coreLayout, Number: m.mu.number, Time: m.mu.last, Pruned: m.mu.pruned, Settings: m.config.Settings,
		Counters: m.mu.counters, Money: m.mu.money, Queue: m.mu.queue, Requests: m.mu.requests, Deleted: m.mu.deleted, Outcalls: m.mu.outcalls,
	}
	for _, in := range m.mu.pool {
		s.Pool = append(s.Pool, in.wire())
	}
	for _, id := range m.mu.order {
		c := m.mu.canisters[id]
		sc := savedCanister{Canister: c, Memory: memory(c)}
		if c.module != nil {
			sc.Module = c.module.Hash[:]
		}
		for _, snapshot := range c.Snapshots {
			sc.Snapshots = append(sc.Snapshots, memory(snapshot))
		}
		s.Canisters = append(s.Canisters, sc)
	}
	return s
}

// Checkpoint is the state after the last batch. Until its contents are written no batch
// may be applied; queries may run.
func (m *Machine) Checkpoint() (*Checkpoint, error) {
	m.applying.Lock()
	defer m.applying.Unlock()
	m.mu.Lock()
	defer m.mu.Unlock()
	cp := &Checkpoint{Number: m.mu.number, machine: m}
	s := m.savedLocked(func(h holder) string { return contentName(h, m.mu.number) })
	seen := map[string]bool{}
	add := func(name string, write func(func([]byte) error) error) {
		if !seen[name] {
			seen[name] = true
			cp.Contents = append(cp.Contents, Content{name, write})
		}
	}
	addMemory := func(h holder, name string) {
		add(name, m.lockedWrite(writeMemory(h)))
		cp.kept = append(cp.kept, keptContent{h, h.mark(), name})
	}
	for _, sc := range s.Canisters {
		c := sc.Canister
		if c.module != nil {
			add(moduleName(c.module.Hash), writePieces(c.wasm))
		}
		for _, store := range c.chunkStores() {
			for hash, chunk := range *store {
				add(chunkName(hash), writePieces(chunk))
			}
		}
		addMemory(c, sc.Memory)
		for i, name := range sc.Snapshots {
			addMemory(c.Snapshots[i], name)
		}
	}
	var err error
	if cp.Core, err = encoding.Marshal(s); err != nil {
		return nil, fmt.Errorf("encode state: %w", err)
	}
	return cp, nil
}

// lockedWrite keeps queries away while a canister's memory is read.
func (m *Machine) lockedWrite(write func(func([]byte) error) error) func(func([]byte) error) error {
	return func(record func([]byte) error) error {
		m.mu.Lock()
		defer m.mu.Unlock()
		return write(record)
	}
}

// Kept says that the checkpoint is where it will be found again: what does not change
// from now on need not be written for the next one.
func (cp *Checkpoint) Kept() {
	cp.machine.mu.Lock()
	defer cp.machine.mu.Unlock()
	for _, k := range cp.kept {
		c := k.remembered()
		c.kept, c.name = k.mark, k.name
	}
}

// Hash is one hash over the whole state after the last batch: queues, money, requests,
// heaps, stable memory, modules. The same batches give the same hash, in any process and
// after any restart.
func (m *Machine) Hash() (sum [sha256.Size]byte, err error) {
	m.applying.Lock()
	defer m.applying.Unlock()
	m.mu.Lock()
	defer m.mu.Unlock()
	s := m.savedLocked(func(holder) string { return "" })
	h := sha256.New()
	if err := hashEncoding.NewEncoder(h).Encode(s); err != nil {
		return sum, fmt.Errorf("encode state: %w", err)
	}
	for _, sc := range s.Canisters {
		holders := []holder{sc.Canister}
		for _, snapshot := range sc.Canister.Snapshots {
			holders = append(holders, snapshot)
		}
		for _, holder := range holders {
			memory, err := memoryHash(holder)
			if err != nil {
				return sum, err
			}
			h.Write(memory[:])
		}
	}
	return [sha256.Size]byte(h.Sum(nil)), nil
}

// Restore makes a machine that goes on from a checkpoint. read visits the records of a
// content.
func Restore(ctx context.Context, config Config, core []byte, read contentReader) (*Machine, error) {
	m := New(config)
	s, err := decodeCore(core)
	if err != nil {
		return nil, err
	}
	m.useSettings(s.Settings)
	m.mu.number, m.mu.Time, m.mu.last, m.mu.pruned = s.Number, s.Time, s.Time, s.Pruned
	m.mu.counters, m.mu.money, m.mu.queue = s.Counters, s.Money, s.Queue
	for _, w := range s.Pool {
		in, err := w.ingress()
		if err != nil {
			return nil, fmt.Errorf("%w: %w", ErrBadCheckpoint, err)
		}
		m.mu.pool = append(m.mu.pool, in)
		m.mu.waiting += in.size()
	}
	if err := m.restoreRequests(s.Requests); err != nil {
		return nil, err
	}
	for id := range s.Deleted {
		m.mu.deleted[id] = true
	}
	for id, o := range s.Outcalls {
		if o == nil {
			return nil, fmt.Errorf("%w: an outcall without content", ErrBadCheckpoint)
		}
		m.mu.outcalls[id] = o
	}
	r := &restore{machine: m, read: read, blobs: map[[32]byte][]byte{}}
	for _, sc := range s.Canisters {
		if err := r.canister(ctx, sc); err != nil {
			return nil, errors.Join(err, m.Close(ctx))
		}
	}
	return m, nil
}

func decodeCore(core []byte) (s saved, err error) {
	var layout struct{ Layout uint64 }
	if err := cbor.Unmarshal(core, &layout); err != nil {
		return s, fmt.Errorf("%w: %w", ErrBadCheckpoint, err)
	}
	if layout.Layout != coreLayout {
		return s, fmt.Errorf("%w: its layout is %d, this program knows %d", ErrBadCheckpoint, layout.Layout, coreLayout)
	}
	if err := decoding.Unmarshal(core, &s); err != nil {
		return s, fmt.Errorf("%w: %w", ErrBadCheckpoint, err)
	}
	return s, nil
}

func (m *Machine) restoreRequests(requests map[RequestID]*request) error {
	for id, r := range requests {
		if r == nil {
			return fmt.Errorf("%w: a request without a status", ErrBadCheckpoint)
		}
		r.waiting, r.kept = make(chan struct{}), make(chan struct{})
		close(r.kept)
		if r.Status.Phase.Final() {
			close(r.waiting)
		}
		m.mu.requests[id] = r
	}
	return nil
}

// restore is a restore under way.
type restore struct {
	machine *Machine
	read    contentReader
	blobs   map[[32]byte][]byte // modules and chunks by hash
}

func (r *restore) canister(ctx context.Context, sc savedCanister) error {
	c, m := sc.Canister, r.machine
	if c == nil || m.mu.canisters[c.ID] != nil {
		return fmt.Errorf("%w: a canister is missing or there twice", ErrBadCheckpoint)
	}
	c.open = map[principal.Principal]int{}
	c.stable = host.NewStable(m.config.StablePages)
	if c.Contexts == nil {
		c.Contexts = map[uint64]*callContext{}
	}
	if c.Callbacks == nil {
		c.Callbacks = map[uint64]*callback{}
	}
	for _, cb := range c.Callbacks {
		c.open[cb.Callee]++
		if cb.Deadline != 0 && !cb.Responded {
			m.mu.bounded[cb.ID] = wait{c.ID, cb.Deadline}
		}
	}
	m.mu.canisters[c.ID] = c
	m.mu.order = append(m.mu.order, c.ID)
	if err := r.load(ctx, sc); err != nil {
		return fmt.Errorf("restore canister %s: %w", c.ID, err)
	}
	c.contents.kept, c.contents.name = c.mark(), sc.Memory
	return nil
}

func (r *restore) load(ctx context.Context, sc savedCanister) (err error) {
	c := sc.Canister
	var module *host.Module
	if len(sc.Module) > 0 {
		if module, err = r.module(ctx, sc.Module); err != nil {
			return err
		}
		c.wasm = module.Source
	}
	if err := c.readMemory(module, sc.Memory, r.read); err != nil {
		if module != nil && c.module == nil {
			module.Release()
		}
		return err
	}
	for _, store := range c.chunkStores() {
		for hash := range *store {
			if (*store)[hash], err = r.blob(chunkName, hash[:]); err != nil {
				return err
			}
		}
	}
	if len(sc.Snapshots) != len(c.Snapshots) {
		return fmt.Errorf("%w: %d snapshots with the memories of %d", ErrBadCheckpoint, len(c.Snapshots), len(sc.Snapshots))
	}
	for i, name := range sc.Snapshots {
		s := c.Snapshots[i]
		if s == nil {
			return fmt.Errorf("%w: a snapshot is missing", ErrBadCheckpoint)
		}
		if err := s.readMemory(name, r.read); err != nil {
			return err
		}
		s.contents.kept, s.contents.name = s.mark(), name
	}
	return nil
}

func (r *restore) module(ctx context.Context, hash []byte) (*host.Module, error) {
	if len(hash) == sha256.Size {
		if m, ok := r.machine.config.Engine.Use([32]byte(hash)); ok {
			return m, nil
		}
	}
	wasm, err := r.blob(moduleName, hash)
	if err != nil {
		return nil, err
	}
	return r.machine.config.Engine.Compile(ctx, wasm)
}

func (r *restore) blob(name func([32]byte) string, hash []byte) (b []byte, err error) {
	if len(hash) != sha256.Size {
		return nil, fmt.Errorf("%w: a hash of %d bytes", ErrBadCheckpoint, len(hash))
	}
	h := [32]byte(hash)
	if b, ok := r.blobs[h]; ok {
		return b, nil
	}
	if b, err = readPieces(name(h), h, r.read); err == nil {
		r.blobs[h] = b
	}
	return b, err
}

// The core is CBOR, with principals as text. Checksums guard it on disk, so its limits are
// wide. For the hash what is empty is empty, however it came to be so.
var (
	encoding     = mustMode(cbor.EncOptions{Sort: cbor.SortCoreDeterministic, TextMarshaler: cbor.TextMarshalerTextString}.EncMode())
	hashEncoding = mustMode(cbor.EncOptions{
		Sort: cbor.SortCoreDeterministic, TextMarshaler: cbor.TextMarshalerTextString, NilContainers: cbor.NilContainerAsEmpty,
	}.EncMode())
	decoding = mustMode(cbor.DecOptions{
		TextUnmarshaler: cbor.TextUnmarshalerTextString, MaxArrayElements: 1 << 30, MaxMapPairs: 1 << 30,
		ExtraReturnErrors: cbor.ExtraDecErrorUnknownField,
	}.DecMode())
)

func mustMode[M any](m M, err error) M {
	if err != nil {
		panic(err)
	}
	return m
}
