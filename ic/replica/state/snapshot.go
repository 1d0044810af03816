package state

import (
	"context"
	"errors"
	"fmt"
	"iter"
	"slices"

	"github.com/fxamacker/cbor/v2"

	"assay/ic/principal"
	"assay/ic/replica/host"
)

// ErrBadSnapshot is a snapshot that is not of this state machine.
var ErrBadSnapshot = errors.New("not a state of this network")

// saved is the first record of a snapshot. The others are memory: for each canister
// in order its module, its non-zero heap pages and its non-zero stable pages.
type saved struct {
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
}

type savedCanister struct {
	Canister    *canister
	Installed   bool
	Heap        uint32 // Wasm pages
	HeapPages   []uint32
	Globals     []uint64
	Stable      uint64 // Wasm pages
	StablePages []uint64
	Pages       [][]uint64 // of its snapshots: module, heap and stable memory of each
}

// Snapshot is everything that outlives the process. The records are valid until the
// next round.
func (m *Machine) Snapshot() (iter.Seq[[]byte], error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	s := saved{
		Number: m.mu.number, Time: m.mu.last, Pruned: m.mu.pruned, Settings: m.config.Settings,
		Counters: m.mu.counters, Money: m.mu.money, Queue: m.mu.queue, Requests: m.mu.requests, Deleted: m.mu.deleted,
	}
	for _, in := range m.mu.pool {
		s.Pool = append(s.Pool, in.wire())
	}
	records := [][]byte{nil}
	for _, id := range m.mu.order {
		var more [][]byte
		sc, err := saveCanister(m.mu.canisters[id], &more)
		if err != nil {
			return nil, err
		}
		s.Canisters = append(s.Canisters, sc)
		records = append(records, more...)
	}
	var err error
	if records[0], err = encoding.Marshal(s); err != nil {
		return nil, fmt.Errorf("encode state: %w", err)
	}
	return slices.Values(records), nil
}

func saveCanister(c *canister, records *[][]byte) (savedCanister, error) {
	sc := savedCanister{Canister: c, Installed: c.module != nil, Stable: c.stable.Pages()}
	if sc.Installed {
		image, err := c.instance.Image()
		if err != nil {
			return sc, fmt.Errorf("read the heap of canister %s: %w", c.ID, err)
		}
		*records = append(*records, c.wasm)
		sc.Globals, sc.Heap = image.Globals, uint32(len(image.Heap)/host.WasmPage)
		for n := range sc.Heap {
			page := image.Heap[int(n)*host.WasmPage:][:host.WasmPage]
			if !allZero(page) {
				sc.HeapPages = append(sc.HeapPages, n)
				*records = append(*records, page)
			}
		}
	}
	c.stable.Each(func(page uint64, content []byte) {
		sc.StablePages = append(sc.StablePages, page)
		*records = append(*records, content)
	})
	sc.Pages = saveSnapshots(c, records)
	return sc, nil
}

func allZero(b []byte) bool { return !slices.ContainsFunc(b, func(x byte) bool { return x != 0 }) }

// Restore makes a machine that goes on from the records of a snapshot.
func Restore(ctx context.Context, config Config, records [][]byte) (*Machine, error) {
	m := New(config)
	var s saved
	if len(records) == 0 {
		return nil, ErrBadSnapshot
	}
	if err := decoding.Unmarshal(records[0], &s); err != nil {
		return nil, fmt.Errorf("%w: %w", ErrBadSnapshot, err)
	}
	m.config.Settings = s.Settings
	m.mu.number, m.mu.Time, m.mu.last, m.mu.pruned = s.Number, s.Time, s.Time, s.Pruned
	m.mu.counters, m.mu.money, m.mu.queue = s.Counters, s.Money, s.Queue
	for _, w := range s.Pool {
		in, err := w.ingress()
		if err != nil {
			return nil, fmt.Errorf("%w: %w", ErrBadSnapshot, err)
		}
		m.mu.pool = append(m.mu.pool, in)
		m.mu.waiting += in.size()
	}
	m.restoreRequests(s.Requests)
	for id := range s.Deleted {
		m.mu.deleted[id] = true
	}
	rest := recordList(records[1:])
	for _, sc := range s.Canisters {
		if err := m.restoreCanister(ctx, sc, &rest); err != nil {
			return nil, errors.Join(err, m.Close(ctx))
		}
	}
	if len(rest) > 0 {
		return nil, errors.Join(fmt.Errorf("%w: %d records too many", ErrBadSnapshot, len(rest)), m.Close(ctx))
	}
	return m, nil
}

func (m *Machine) restoreRequests(requests map[RequestID]*request) {
	for id, r := range requests {
		r.waiting, r.kept = make(chan struct{}), make(chan struct{})
		close(r.kept)
		if r.Status.Phase.Final() {
			close(r.waiting)
		}
		m.mu.requests[id] = r
	}
}

// recordList hands out records in order.
type recordList [][]byte

func (l *recordList) next(size int) ([]byte, error) {
	if len(*l) == 0 || size >= 0 && len((*l)[0]) != size {
		return nil, fmt.Errorf("%w: a record of %d bytes is missing", ErrBadSnapshot, size)
	}
	r := (*l)[0]
	*l = (*l)[1:]
	return r, nil
}

func (m *Machine) restoreCanister(ctx context.Context, sc savedCanister, rest *recordList) error {
	c := sc.Canister
	if c == nil {
		return ErrBadSnapshot
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
	if sc.Installed {
		if err := m.resumeInstance(ctx, sc, rest); err != nil {
			return fmt.Errorf("restore canister %s: %w", c.ID, err)
		}
	}
	err := c.stable.Restore(sc.Stable, func(s *host.Stable) error {
		for _, page := range sc.StablePages {
			content, err := rest.next(host.WasmPage)
			if err != nil {
				return err
			}
			if _, err := s.Write(content, page*host.WasmPage); err != nil {
				return fmt.Errorf("%w: %w", ErrBadSnapshot, err)
			}
		}
		return nil
	})
	return errors.Join(err, restoreSnapshots(c, sc.Pages, rest))
}

// saveSnapshots adds the pages of a canister's snapshots to the records.
func saveSnapshots(c *canister, records *[][]byte) (numbers [][]uint64) {
	for _, s := range c.Snapshots {
		for _, p := range s.memories() {
			var ns []uint64
			p.each(func(n uint64, content []byte) {
				ns = append(ns, n)
				*records = append(*records, content)
			})
			numbers = append(numbers, ns)
		}
	}
	return numbers
}

func restoreSnapshots(c *canister, numbers [][]uint64, rest *recordList) error {
	for _, s := range c.Snapshots {
		for _, p := range s.memories() {
			if len(numbers) == 0 {
				return fmt.Errorf("%w: pages of a snapshot are missing", ErrBadSnapshot)
			}
			for _, n := range numbers[0] {
				content, err := rest.next(host.WasmPage)
				if err != nil {
					return err
				}
				p.put(n, slices.Clone(content))
			}
			numbers = numbers[1:]
		}
	}
	return nil
}

func (m *Machine) resumeInstance(ctx context.Context, sc savedCanister, rest *recordList) error {
	wasm, err := rest.next(-1)
	if err != nil {
		return err
	}
	module, err := m.config.Engine.Compile(ctx, wasm)
	if err != nil {
		return err
	}
	image := host.Image{Heap: make([]byte, int(sc.Heap)*host.WasmPage), Globals: sc.Globals}
	for _, n := range sc.HeapPages {
		content, err := rest.next(host.WasmPage)
		if err != nil || n >= sc.Heap {
			module.Release()
			return errors.Join(ErrBadSnapshot, err)
		}
		copy(image.Heap[int(n)*host.WasmPage:], content)
	}
	instance, err := module.Resume(ctx, image)
	if err != nil {
		module.Release()
		return err
	}
	c := sc.Canister
	c.wasm, c.module, c.instance = slices.Clone(wasm), module, instance
	return nil
}

// The first record is CBOR, with principals as text. A checksum guards it on disk, so
// its limits are wide.
var (
	encoding = mustMode(cbor.EncOptions{TextMarshaler: cbor.TextMarshalerTextString}.EncMode())
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
