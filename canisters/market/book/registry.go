package book

import (
	"assay/commitment"
)

// Limits of the registry and of jobs. They keep every job's messages under two megabytes
// and every message's work under the instruction limit.
const (
	MaxItems         = 64        // items of one job, whatever the model allows
	MaxItemBytes     = 256 << 10 // bytes of one item, whatever the model allows
	MaxInputBytes    = 1 << 20   // bytes of all items of one job
	MaxOutputBytes   = 1536 << 10
	MaxManifestBytes = 64 << 10
	MaxRedundancy    = 7
	MaxOpenJobs      = 2000
	MaxProviders     = 256
	MaxEntries       = 256
	maxPermille      = 500 // of treasury and of royalty, so that providers keep something
	maxWindow        = 30 * 24 * 3600 * second
	minTimeout       = second
	maxTimeout       = 24 * 3600 * second
	maxAttemptsLimit = 10
	maxPricePerItem  = Cycles(1e15)
)

// Parameters are the market's rules, changed by the dao alone. Window and shares of a job
// are those in force at its submission.
type Parameters struct {
	Window           Time // between provisional and final
	DeliveryTimeout  Time // to deliver or commit
	RevealTimeout    Time // to reveal after the last commit
	MaxAttempts      uint32
	TreasuryPermille uint16
	BasePrice        Cycles // per job and provider
	Reserve          Cycles // liquid cycles kept above what is owed
}

func (p Parameters) check() error {
	switch {
	case p.Window > maxWindow:
		return fail(BadInput, "the window is over 30 days")
	case p.DeliveryTimeout < minTimeout || p.DeliveryTimeout > maxTimeout:
		return fail(BadInput, "the delivery timeout is not between one second and one day")
	case p.RevealTimeout < minTimeout || p.RevealTimeout > maxTimeout:
		return fail(BadInput, "the reveal timeout is not between one second and one day")
	case p.MaxAttempts < 1 || p.MaxAttempts > maxAttemptsLimit:
		return fail(BadInput, "max_attempts is %d, 1 to %d are allowed", p.MaxAttempts, maxAttemptsLimit)
	case p.TreasuryPermille > maxPermille:
		return fail(BadInput, "the treasury's share is %d permille, at most %d are allowed", p.TreasuryPermille, maxPermille)
	case p.BasePrice > maxPricePerItem:
		return fail(BadInput, "the base price is over %d cycles", maxPricePerItem)
	case p.Reserve > MaxCycles:
		return fail(BadInput, "the reserve is over %d cycles", MaxCycles)
	}
	return nil
}

// Sum is the parameters' hash, the value under /parameters of the certified tree.
func (p Parameters) Sum() commitment.Hash {
	return commitment.MarketRules{
		Window: p.Window, DeliveryTimeout: p.DeliveryTimeout, RevealTimeout: p.RevealTimeout, MaxAttempts: p.MaxAttempts,
		TreasuryPermille: p.TreasuryPermille, BasePrice: p.BasePrice, Reserve: p.Reserve,
	}.Sum()
}

func (b *Book) putParameters(p Parameters, fx *Effects) {
	var e encoder
	e.u64(p.Window).u64(p.DeliveryTimeout).u64(p.RevealTimeout).u32(p.MaxAttempts).u16(p.TreasuryPermille).u64(p.BasePrice).u64(p.Reserve)
	b.store.Put(keyParameters, e.record(1))
	sum := p.Sum()
	fx.put(sum[:], []byte("parameters"))
}

// Parameters returns the rules in force.
func (b *Book) Parameters() Parameters {
	v, _ := b.store.Get(keyParameters)
	d := decode(v, 1)
	p := Parameters{
		Window: d.u64(), DeliveryTimeout: d.u64(), RevealTimeout: d.u64(), MaxAttempts: d.u32(),
		TreasuryPermille: d.u16(), BasePrice: d.u64(), Reserve: d.u64(),
	}
	must("parameters", d.end())
	return p
}

// SetParameters changes the rules for jobs submitted from now on. Only the dao may.
func (b *Book) SetParameters(c Call, p Parameters) (Effects, error) {
	var fx Effects
	if err := b.onlyDAO(c); err != nil {
		return fx, err
	}
	if err := p.check(); err != nil {
		return fx, err
	}
	b.wake(c.Now, &fx)
	b.putParameters(p, &fx)
	b.event(c.Now, 0, "parameters", "changed")
	return fx, nil
}

// Provider is somebody whom the dao allows to compute. Calls about work come from the
// worker key; money goes to the operator.
type Provider struct {
	Operator Principal
	Worker   Principal
	Name     string
}

func (b *Book) putProvider(p Provider) {
	var e encoder
	e.str(string(p.Operator)).str(string(p.Worker)).str(p.Name)
	b.store.Put(nameKey('P', string(p.Operator)), e.record(1))
	b.store.Put(nameKey('W', string(p.Worker)), []byte(p.Operator))
}

func decodeProvider(v []byte) (Provider, error) {
	d := decode(v, 1)
	p := Provider{Operator: Principal(d.str()), Worker: Principal(d.str()), Name: d.str()}
	return p, d.end()
}

func (b *Book) provider(operator Principal) (Provider, bool) {
	v, ok := b.store.Get(nameKey('P', string(operator)))
	if !ok {
		return Provider{}, false
	}
	p, err := decodeProvider(v)
	must("provider", err)
	return p, true
}

// Providers lists the admitted ones, ordered by operator.
func (b *Book) Providers() []Provider {
	var out []Provider
	b.scan([]byte{'P'}, []byte{'P'}, func(_, v []byte) bool {
		p, err := decodeProvider(v)
		must("provider", err)
		out = append(out, p)
		return true
	})
	return out
}

// AdmitProvider lets somebody be drawn, or changes the worker key and name of one who
// already is admitted; open assignments keep the key that they were drawn with.
func (b *Book) AdmitProvider(c Call, p Provider) (Effects, error) {
	var fx Effects
	if err := b.onlyDAO(c); err != nil {
		return fx, err
	}
	if err := checkPrincipal("operator", p.Operator); err != nil {
		return fx, err
	}
	if err := checkPrincipal("worker", p.Worker); err != nil {
		return fx, err
	}
	if err := checkName("the provider's name", p.Name); err != nil {
		return fx, err
	}
	if owner, ok := b.store.Get(nameKey('W', string(p.Worker))); ok && Principal(owner) != p.Operator {
		return fx, fail(Duplicate, "this worker key belongs to another provider")
	}
	old, known := b.provider(p.Operator)
	if !known && b.counter("providers") >= MaxProviders {
		return fx, fail(TooLarge, "the market has %d providers, the most it takes", MaxProviders)
	}
	b.wake(c.Now, &fx)
	if known {
		b.store.Delete(nameKey('W', string(old.Worker)))
	} else {
		b.next("providers")
	}
	b.putProvider(p)
	b.event(c.Now, 0, "provider admitted", p.Name)
	return fx, nil
}

// RemoveProvider stops somebody from being drawn. Jobs that wait for them are drawn
// anew; what they earned stays theirs.
func (b *Book) RemoveProvider(c Call, operator Principal) (Effects, error) {
	var fx Effects
	if err := b.onlyDAO(c); err != nil {
		return fx, err
	}
	p, ok := b.provider(operator)
	if !ok {
		return fx, fail(UnknownProvider, "no such provider is admitted")
	}
	b.wake(c.Now, &fx)
	b.store.Delete(nameKey('P', string(operator)))
	b.store.Delete(nameKey('W', string(p.Worker)))
	b.setCounter("providers", b.counter("providers")-1)
	b.event(c.Now, 0, "provider removed", p.Name)
	for _, seq := range b.numbers(nameKey('A', string(operator)), MaxOpenJobs) {
		j := b.job(seq)
		b.retry(c.Now, j, []Principal{operator}, "provider "+p.Name+" was removed", &fx)
	}
	return fx, nil
}

// Kind tells registry entries apart.
type Kind uint8

// The kinds of registry entries. Numbers are never reused.
const (
	ModelKind Kind = 1
	WasmKind  Kind = 2
)

// RegistryEntry is a model that jobs may name, or a Wasm module.
type RegistryEntry struct {
	Kind            Kind
	Root            commitment.Hash // of a model: of its manifest; of a module: its SHA-256
	Name            string
	Publisher       Principal
	Manifest        []byte
	Classes         []string
	PricePerItem    Cycles
	RoyaltyPermille uint16
	Dimension       uint32
	MaxItems        uint32
	MaxItemBytes    uint32
}

func (r RegistryEntry) check() error {
	if err := checkName("the entry's name", r.Name); err != nil {
		return err
	}
	if err := checkPrincipal("publisher", r.Publisher); err != nil {
		return err
	}
	if r.Kind == WasmKind {
		return nil
	}
	switch {
	case len(r.Manifest) == 0 || len(r.Manifest) > MaxManifestBytes:
		return fail(BadInput, "the manifest has %d bytes, 1 to %d are allowed", len(r.Manifest), MaxManifestBytes)
	case commitment.ModelRoot(r.Manifest) != r.Root:
		return fail(BadInput, "the manifest's root is %s, not %s", commitment.ModelRoot(r.Manifest), r.Root)
	case len(r.Classes) != 1 || r.Classes[0] != ClassExact:
		return fail(NotSupported, "the market takes models of the class %q alone", ClassExact)
	case r.PricePerItem > maxPricePerItem:
		return fail(BadInput, "the price per item is over %d cycles", maxPricePerItem)
	case r.RoyaltyPermille > maxPermille:
		return fail(BadInput, "the royalty is %d permille, at most %d are allowed", r.RoyaltyPermille, maxPermille)
	case r.MaxItems < 1 || r.MaxItems > MaxItems:
		return fail(BadInput, "max_items is %d, 1 to %d are allowed", r.MaxItems, MaxItems)
	case r.MaxItemBytes < 1 || r.MaxItemBytes > MaxItemBytes:
		return fail(BadInput, "max_item_bytes is %d, 1 to %d are allowed", r.MaxItemBytes, MaxItemBytes)
	case r.Dimension < 1 || uint64(r.Dimension)*uint64(r.MaxItems)*4 > MaxOutputBytes:
		return fail(BadInput, "%d items of dimension %d have no output between 1 and %d bytes", r.MaxItems, r.Dimension, MaxOutputBytes)
	}
	return nil
}

func (r RegistryEntry) encode() []byte {
	var e encoder
	e.u8(uint8(r.Kind)).hash(r.Root).str(r.Name).str(string(r.Publisher)).bytes(r.Manifest).u32(uint32(len(r.Classes)))
	for _, c := range r.Classes {
		e.str(c)
	}
	e.u64(r.PricePerItem).u16(r.RoyaltyPermille).u32(r.Dimension).u32(r.MaxItems).u32(r.MaxItemBytes)
	return e.record(1)
}

func decodeEntry(v []byte) (RegistryEntry, error) {
	d := decode(v, 1)
	r := RegistryEntry{Kind: Kind(d.u8()), Root: d.hash(), Name: d.str(), Publisher: Principal(d.str()), Manifest: d.bytes()}
	for range d.count(4) {
		r.Classes = append(r.Classes, d.str())
	}
	r.PricePerItem, r.RoyaltyPermille, r.Dimension, r.MaxItems, r.MaxItemBytes = d.u64(), d.u16(), d.u32(), d.u32(), d.u32()
	return r, d.end()
}

func (b *Book) model(root commitment.Hash) (RegistryEntry, error) {
	v, ok := b.store.Get(append([]byte{'M'}, root[:]...))
	if !ok {
		return RegistryEntry{}, fail(UnknownModel, "no model %s is admitted; see registry for those that are", root)
	}
	r, err := decodeEntry(v)
	must("registry entry", err)
	if r.Kind != ModelKind {
		return RegistryEntry{}, fail(UnknownModel, "%s is a module, not a model", root)
	}
	return r, nil
}

// Registry lists models and modules, ordered by root.
func (b *Book) Registry() []RegistryEntry {
	var out []RegistryEntry
	b.scan([]byte{'M'}, []byte{'M'}, func(_, v []byte) bool {
		r, err := decodeEntry(v)
		must("registry entry", err)
		out = append(out, r)
		return true
	})
	return out
}

// Admit adds an entry to the registry or changes the price and royalty of one; its root
// binds everything that decides a result. Only the dao may.
func (b *Book) Admit(c Call, r RegistryEntry) (Effects, error) {
	var fx Effects
	if err := b.onlyDAO(c); err != nil {
		return fx, err
	}
	if r.Kind != ModelKind && r.Kind != WasmKind {
		return fx, fail(NotSupported, "the registry takes models and modules alone")
	}
	if err := r.check(); err != nil {
		return fx, err
	}
	key := append([]byte{'M'}, r.Root[:]...)
	v, known := b.store.Get(key)
	var old RegistryEntry
	if known {
		var err error
		old, err = decodeEntry(v)
		must("registry entry", err)
	}
	switch {
	case known && (old.Kind != r.Kind || old.Dimension != r.Dimension):
		return fx, fail(Duplicate, "%s is admitted with another kind or dimension", r.Root)
	case !known && b.counter("entries") >= MaxEntries:
		return fx, fail(TooLarge, "the registry has %d entries, the most it takes", MaxEntries)
	case !known:
		b.next("entries")
	}
	b.wake(c.Now, &fx)
	b.store.Put(key, r.encode())
	b.event(c.Now, 0, "entry admitted", r.Name)
	return fx, nil
}
