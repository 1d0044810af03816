package book

import (
	"encoding/binary"
	"fmt"
	"unicode/utf8"

	"assay/commitment"
)

// Item is one thing to compute on: text, or token ids when Tokens is not nil.
type Item struct {
	Text   string
	Tokens []uint32
}

func (i Item) size() int {
	if i.Tokens != nil {
		return 4 * len(i.Tokens)
	}
	return len(i.Text)
}

// Hash is the item's commitment.
func (i Item) Hash() commitment.Hash {
	if i.Tokens != nil {
		return commitment.TokensItem(i.Tokens)
	}
	return commitment.TextItem([]byte(i.Text))
}

// InputHash is the commitment to a list of items.
func InputHash(items []Item) commitment.Hash {
	hashes := make([]commitment.Hash, len(items))
	for i := range items {
		hashes[i] = items[i].Hash()
	}
	return commitment.InputHash(hashes)
}

func encodeItems(items []Item) []byte {
	var e encoder
	e.u32(uint32(len(items)))
	for _, it := range items {
		if it.Tokens == nil {
			e.u8(1).str(it.Text)
			continue
		}
		e.u8(2).u32(uint32(len(it.Tokens)))
		for _, t := range it.Tokens {
			e.u32(t)
		}
	}
	return e.record(1)
}

func decodeItems(v []byte) ([]Item, error) {
	d := decode(v, 1)
	var out []Item
	for range d.count(5) {
		switch d.u8() {
		case 1:
			out = append(out, Item{Text: d.str()})
		case 2:
			tokens := make([]uint32, d.count(4))
			for i := range tokens {
				tokens[i] = d.u32()
			}
			out = append(out, Item{Tokens: tokens})
		default:
			d.bad("item kind")
		}
	}
	return out, d.end()
}

// Submission is an order.
type Submission struct {
	Key         []byte // 1 to 32 bytes, unique per caller
	Model       commitment.Hash
	Items       []Item
	Class       string
	Redundancy  uint8
	MaxPrice    Cycles
	FromBalance bool   // otherwise the price is taken from the attached cycles
	Callback    string // method of the calling canister, with CallbackAt
	CallbackAt  Moment
}

// Placed is the answer to a submission: the job's number, its price and the hash of
// what was submitted.
type Placed struct {
	Seq       uint64
	Price     Cycles
	InputHash commitment.Hash
	Accept    Cycles // what the edge takes of the attached cycles, zero for a repetition
}

// Quote is the price of a job: for each provider the base price and the model's price
// for each item. It binds nothing; submit names its maximum.
func (b *Book) Quote(model commitment.Hash, items uint32, redundancy uint8) (Cycles, error) {
	m, err := b.model(model)
	if err != nil {
		return 0, err
	}
	if err := checkShape(m, int(items), redundancy); err != nil {
		return 0, err
	}
	return Cycles(redundancy) * (b.Parameters().BasePrice + Cycles(items)*m.PricePerItem), nil
}

func checkShape(m RegistryEntry, items int, redundancy uint8) error {
	switch {
	case items < 1:
		return fail(BadInput, "a job needs at least one item")
	case items > int(m.MaxItems):
		return fail(TooLarge, "%d items, model %q takes at most %d in a job", items, m.Name, m.MaxItems)
	case redundancy < 1 || redundancy > MaxRedundancy:
		return fail(BadInput, "redundancy is %d, 1 to %d are allowed", redundancy, MaxRedundancy)
	}
	return nil
}

func checkItems(m RegistryEntry, items []Item) error {
	total := 0
	for i, it := range items {
		n := it.size()
		switch {
		case n == 0:
			return fail(BadInput, "item %d is empty", i)
		case n > int(m.MaxItemBytes):
			return fail(TooLarge, "item %d has %d bytes, model %q takes at most %d", i, n, m.Name, m.MaxItemBytes)
		case it.Tokens == nil && !utf8.ValidString(it.Text):
			return fail(BadInput, "item %d is not valid UTF-8", i)
		}
		if total += n; total > MaxInputBytes {
			return fail(TooLarge, "the items have more than %d bytes in all", MaxInputBytes)
		}
	}
	return nil
}

// Submit places an order: checked, priced, its money in escrow. A repeated key of the
// same caller returns the first job and takes nothing.
func (b *Book) Submit(c Call, s Submission) (Placed, Effects, error) {
	var fx Effects
	if err := checkPrincipal("the caller", c.Caller); err != nil {
		return Placed{}, fx, err
	}
	if len(s.Key) < 1 || len(s.Key) > 32 {
		return Placed{}, fx, fail(BadInput, "the key has %d bytes, 1 to 32 are allowed", len(s.Key))
	}
	keyKey := append(nameKey('K', string(c.Caller)), s.Key...)
	if v, ok := b.store.Get(keyKey); ok {
		r, err := b.repeated(b.job(lastNum(v)), s)
		return r, fx, err
	}
	m, err := b.checkSubmission(c, s)
	if err != nil {
		return Placed{}, fx, err
	}
	price, err := b.Quote(s.Model, uint32(len(s.Items)), s.Redundancy)
	if err != nil {
		return Placed{}, fx, err
	}
	payment, err := b.payment(c, s, price)
	if err != nil {
		return Placed{}, fx, err
	}
	b.wake(c.Now, &fx)
	j := b.open(c, s, m, price)
	b.store.Put(keyKey, binary.BigEndian.AppendUint64(nil, j.Seq))
	b.post(c.Now, j.Seq, "escrow", append(payment, credit(Account{Kind: Escrow, ID: j.Seq}, price))...)
	r := Placed{Seq: j.Seq, Price: price, InputHash: j.InputHash}
	if !s.FromBalance {
		r.Accept = price
	}
	return r, fx, nil
}

func (b *Book) repeated(j *Job, s Submission) (Placed, error) {
	if j.InputHash != InputHash(s.Items) || j.Model != s.Model || j.Redundancy != s.Redundancy {
		return Placed{}, fail(Duplicate, "this key belongs to job %d, which asked for something else; use a new key", j.Seq)
	}
	return Placed{Seq: j.Seq, Price: j.Price, InputHash: j.InputHash}, nil
}

func (b *Book) checkSubmission(c Call, s Submission) (RegistryEntry, error) {
	m, err := b.model(s.Model)
	if err != nil {
		return m, err
	}
	if s.Class != ClassExact {
		return m, fail(NotSupported, "class %q is not served yet, %q is", s.Class, ClassExact)
	}
	if err := checkShape(m, len(s.Items), s.Redundancy); err != nil {
		return m, err
	}
	if err := checkItems(m, s.Items); err != nil {
		return m, err
	}
	if err := checkCallback(c.Caller, s); err != nil {
		return m, err
	}
	if n := b.counter("providers"); n < uint64(s.Redundancy) {
		return m, failRetry(NoProviders, "%d providers are admitted, redundancy %d needs as many", n, s.Redundancy)
	}
	if b.counter("open") >= MaxOpenJobs {
		return m, failRetry(Busy, "%d jobs are open, the most the market takes; wait for one to settle", MaxOpenJobs)
	}
	if !b.Covered(c.Liquid) {
		return m, failRetry(Busy, "the market's liquid cycles do not carry what it owes and its reserve; it takes no jobs until it is topped up")
	}
	return m, nil
}

func checkCallback(caller Principal, s Submission) error {
	if s.CallbackAt == NoCallback {
		return nil
	}
	if caller[len(caller)-1] != 1 { // the last byte of every canister id, and of no key's principal
		return fail(BadInput, "callbacks go to the caller, and the caller is not a canister")
	}
	if s.Callback == "" || len(s.Callback) > 64 {
		return fail(BadInput, "the callback's method has %d bytes, 1 to 64 are allowed", len(s.Callback))
	}
	for i := range len(s.Callback) {
		if ch := s.Callback[i]; ch != '_' && (ch < '0' || ch > '9') && (ch < 'a' || ch > 'z') && (ch < 'A' || ch > 'Z') {
			return fail(BadInput, "the callback's method has a character other than letters, digits and _ at byte %d", i)
		}
	}
	return nil
}

func (b *Book) payment(c Call, s Submission, price Cycles) ([]Posting, error) {
	if price > s.MaxPrice {
		return nil, fail(PriceTooLow, "the price is %d cycles, max_price %d", price, s.MaxPrice)
	}
	if s.FromBalance {
		return b.spend(c.Caller, price)
	}
	if c.Attached < price {
		return nil, fail(NoFunds, "%d cycles are attached, the price is %d; users, who cannot attach any, pay from a balance", c.Attached, price)
	}
	if err := b.room(price); err != nil {
		return nil, err
	}
	return []Posting{debit(Account{Kind: World}, price)}, nil
}

// open writes the new job.
func (b *Book) open(c Call, s Submission, m RegistryEntry, price Cycles) *Job {
	p := b.Parameters()
	j := &Job{
		Seq: b.next("job"), Requester: c.Caller, Key: s.Key, Model: s.Model, Class: s.Class, Redundancy: s.Redundancy, Items: uint32(len(s.Items)),
		InputHash: InputHash(s.Items), ParametersHash: commitment.Parameters{Class: s.Class, Redundancy: s.Redundancy}.Sum(),
		Price: price, Attempt: 1, Submitted: c.Now, CallbackMethod: s.Callback, CallbackAt: s.CallbackAt,
		Terms: Terms{p.Window, p.TreasuryPermille, m.RoyaltyPermille, m.Publisher, m.Dimension},
	}
	b.next("open")
	b.store.Put(numKey('I', j.Seq), encodeItems(s.Items))
	b.event(c.Now, j.Seq, "submitted", fmt.Sprintf("%d items of model %q, %d providers, %d cycles in escrow", j.Items, m.Name, j.Redundancy, price))
	b.wait(c.Now, j)
	return j
}

// wait puts a job among those that the next beacon draws providers for.
func (b *Book) wait(now Time, j *Job) {
	j.State, j.Phase, j.Assigned = Submitted, NoPhase, nil
	b.setDeadline(j, now+waitTimeout)
	b.store.Put(numKey('N', j.Seq), nil)
	b.save(j)
}
