package book

import (
	"testing"

	"github.com/google/go-cmp/cmp"

	"assay/commitment"
)

func TestDAOAlone(t *testing.T) {
	t.Parallel()
	h := newHarness(t, 1)
	for name, f := range map[string]func(Call) error{
		"admit provider":  func(c Call) error { _, err := h.b.AdmitProvider(c, provider(8)); return err },
		"remove provider": func(c Call) error { _, err := h.b.RemoveProvider(c, provider(0).Operator); return err },
		"admit":           func(c Call) error { _, err := h.b.Admit(c, testModel()); return err },
		"set parameters":  func(c Call) error { _, err := h.b.SetParameters(c, testParameters()); return err },
	} {
		for _, p := range []Principal{testApp, testAlice, anonymous, "market\x01"} {
			t.Log(name)
			h.refused(NotPermitted, h.dump(), f(h.call(p)))
		}
	}
}

func TestRegistryRefuses(t *testing.T) {
	t.Parallel()
	h := newHarness(t, 2)
	dao := h.call(testDAO)
	for name, change := range map[string]func(*RegistryEntry){
		"another root":       func(r *RegistryEntry) { r.Root[0]++ },
		"no manifest":        func(r *RegistryEntry) { r.Manifest = nil },
		"long manifest":      func(r *RegistryEntry) { r.Manifest = make([]byte, MaxManifestBytes+1) },
		"another dimension":  func(r *RegistryEntry) { r.Dimension++ },
		"no dimension":       func(r *RegistryEntry) { r.Dimension = 0 },
		"great dimension":    func(r *RegistryEntry) { r.Dimension = 1 << 31 },
		"no items":           func(r *RegistryEntry) { r.MaxItems = 0 },
		"many items":         func(r *RegistryEntry) { r.MaxItems = 65 },
		"no bytes":           func(r *RegistryEntry) { r.MaxItemBytes = 0 },
		"tolerance class":    func(r *RegistryEntry) { r.Classes = []string{"tolerance"} },
		"no class":           func(r *RegistryEntry) { r.Classes = nil },
		"greedy":             func(r *RegistryEntry) { r.RoyaltyPermille = 501 },
		"dear":               func(r *RegistryEntry) { r.PricePerItem = 1e15 + 1 },
		"no name":            func(r *RegistryEntry) { r.Name = "" },
		"anonymous":          func(r *RegistryEntry) { r.Publisher = anonymous },
		"unprintable name":   func(r *RegistryEntry) { r.Name = "a\nb" },
		"unknown kind":       func(r *RegistryEntry) { r.Kind = 3 },
		"another kind":       func(r *RegistryEntry) { r.Kind = WasmKind },
		"unnamed publisher":  func(r *RegistryEntry) { r.Publisher = "" },
		"overlong publisher": func(r *RegistryEntry) { r.Publisher = Principal(make([]byte, 30)) },
	} {
		r := testModel()
		change(&r)
		before := h.dump()
		if _, err := h.b.Admit(dao, r); err == nil || h.dump() != before {
			t.Errorf("%s: admitted (%v)", name, err)
		}
	}
	for name, change := range map[string]func(*Parameters){
		"window": func(p *Parameters) { p.Window = maxWindow + 1 }, "delivery": func(p *Parameters) { p.DeliveryTimeout = 0 },
		"reveal": func(p *Parameters) { p.RevealTimeout = maxTimeout + 1 }, "no attempts": func(p *Parameters) { p.MaxAttempts = 0 },
		"attempts": func(p *Parameters) { p.MaxAttempts = 11 }, "treasury": func(p *Parameters) { p.TreasuryPermille = 501 },
		"base price": func(p *Parameters) { p.BasePrice = 1e15 + 1 }, "reserve": func(p *Parameters) { p.Reserve = MaxCycles + 1 },
	} {
		p := testParameters()
		change(&p)
		before := h.dump()
		if _, err := h.b.SetParameters(dao, p); err == nil || h.dump() != before {
			t.Errorf("%s: set (%v)", name, err)
		}
	}
	taken := provider(7)
	taken.Worker = provider(0).Worker
	_, err := h.b.AdmitProvider(dao, taken)
	h.refused(Duplicate, h.dump(), err)
	_, err = h.b.RemoveProvider(dao, "nobody\x02")
	h.refused(UnknownProvider, h.dump(), err)
}

func TestRegistryChanges(t *testing.T) {
	t.Parallel()
	h := newHarness(t, 1)
	m := testModel()
	m.PricePerItem = 7
	h.ok(h.b.Admit(h.call(testDAO), m))
	h.ok(h.b.Admit(h.call(testDAO), RegistryEntry{Kind: WasmKind, Root: commitment.Hash{1}, Name: "module", Publisher: testAlice}))
	if got := h.b.Registry(); len(got) != 2 || h.b.counter("entries") != 2 {
		t.Errorf("registry %+v", got)
	}
	if _, err := h.b.Quote(commitment.Hash{1}, 1, 1); err == nil {
		t.Error("a module is quoted as a model")
	}
	if got := must1(h.b.Quote(m.Root, 2, 3)); got != 3*(1_000_003+14) {
		t.Errorf("quote %d", got)
	}
	rotated := provider(0)
	rotated.Worker = "new worker\x02"
	h.ok(h.b.AdmitProvider(h.call(testDAO), rotated))
	if diff := cmp.Diff([]Provider{rotated}, h.b.Providers()); diff != "" {
		t.Error(diff)
	}
	p := testParameters()
	p.Window = 77
	h.ok(h.b.SetParameters(h.call(testDAO), p))
	sum := h.b.Parameters().Sum()
	if h.b.Parameters() != p || h.tree["/"+hexOf("parameters")] != string(sum[:]) {
		t.Errorf("parameters %+v", h.b.Parameters())
	}
}

func TestRemovedProvider(t *testing.T) {
	t.Parallel()
	h := newHarness(t, 2)
	seq := h.submit(submission(1, 1))
	h.draw(1)
	gone := h.b.job(seq).Assigned[0]
	h.ok(h.b.RemoveProvider(h.call(testDAO), gone.Operator))
	h.wantState(seq, Submitted)
	_, err := h.b.Deliver(h.call(gone.Worker), seq, 1, output(1, 1))
	h.refused(StaleAttempt, h.dump(), err)
	h.draw(1)
	if s := h.wantState(seq, Assigned).Assigned[0]; s == gone {
		t.Error("a removed provider was drawn")
	}
}

// TestRemovedBetweenFreezeAndDraw: frozen candidates are drawn only while admitted.
func TestRemovedBetweenFreezeAndDraw(t *testing.T) {
	t.Parallel()
	h := newHarness(t, 1)
	seq := h.submit(submission(1, 1))
	id, _, fx := h.b.Freeze(h.call(""))
	h.ok(fx, nil)
	h.ok(h.b.RemoveProvider(h.call(testDAO), provider(0).Operator))
	if err := h.b.StoreBeacon(h.call(""), id, beaconOf(1)); err != nil {
		t.Fatal(err)
	}
	_, fx = h.b.Draw(h.call(""))
	h.ok(fx, nil)
	h.wantState(seq, Failed)
}

func TestCreateOnceOpenWhatIsThere(t *testing.T) {
	t.Parallel()
	h := newHarness(t, 1)
	if _, _, err := Create(h.mem, "market\x01", testDAO, commitment.Hash{}, testParameters()); err == nil {
		t.Error("a second market is created in the same store")
	}
	if _, err := Open(&Memory{}); err == nil {
		t.Error("an empty store is opened")
	}
	v, _ := h.mem.Get(keyHead)
	v[0]++
	h.mem.Put(keyHead, v)
	if _, err := Open(h.mem); err == nil {
		t.Error("an unknown version is opened")
	}
}
