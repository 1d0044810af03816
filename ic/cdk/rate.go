package cdk

import (
	"bytes"
	"encoding/binary"
	"fmt"
	"time"

	"assay/ic/candid"
	"assay/ic/cdk/stable"
	"assay/ic/principal"
)

// Rate limits how often a caller may call: Calls at once, which come back evenly over
// Per. Its Guard counts in stable memory:
//
//	var posts = cdk.Rate{Name: "posts", Calls: 10, Per: time.Minute}
//	Guards: map[string][]cdk.Guard{"post": {posts.Guard}}
//
// The table has room for 8,192 callers of all rates together. Where it is full, the
// caller who is nearest to a full allowance is forgotten, so nobody is held back longer
// for it. Identities are free to make: a Shared rate, one allowance for all callers, is
// what bounds a canister's work.
type Rate struct {
	Name   string // the same over upgrades
	Calls  uint32 // at least 1
	Per    time.Duration
	Shared bool
}

// RateError is a refusal for too many calls.
type RateError struct{ Wait time.Duration }

// Error says when the next call is let in.
func (e *RateError) Error() string {
	return fmt.Sprintf("too many calls: the next is let in after %s", e.Wait)
}

// The rates' region is a table of sets of slots; a caller's set follows from its
// principal and the rate's name, and within it any slot may be the caller's.
//
//	0 "RATE" · 4 version 1 · then slots of 48 bytes from 4096: 0 length + 1 of the
//	principal, 0 = free · 1 principal · 30 zero · 32 u32 hash of the rate's name
//	36 zero · 40 u64 when the allowance is full again, ns since 1970
//
// An allowance is kept as the time at which it is full: each call moves it by one
// interval, and it may lie at most Calls intervals ahead.
const (
	rateHead  = 4096
	rateSlot  = 48
	rateWays  = 8
	rateSets  = 1024
	ratePages = (rateHead + rateSlot*rateWays*rateSets + stable.PageBytes - 1) / stable.PageBytes
)

var rateMagic = []byte("RATE\x01")

// Guard counts the call, or refuses it with a [RateError].
func (r Rate) Guard(m *Message) error {
	who := m.caller
	if r.Shared {
		who = principal.Management
	}
	return r.Take(m, who)
}

// Take counts a call for anybody, such as the owner of what the call is about.
func (r Rate) Take(m *Message, who principal.Principal) error {
	interval := uint64(r.Per) / uint64(max(r.Calls, 1))
	table, err := rates(m.in)
	if err != nil {
		return err
	}
	name := candid.FieldID(r.Name)
	var set [rateSlot * rateWays]byte
	at := rateHead + uint64(rateSet(name, who))*uint64(len(set))
	table.ReadAt(set[:], at)
	slot, full := find(set[:], name, who)
	if most := uint64(max(r.Calls, 1)) * interval; full > m.time && full-m.time > most-interval {
		return &RateError{Wait: time.Duration(full - m.time - (most - interval))}
	}
	entry := rateEntry(name, who, later(max(full, m.time), interval))
	table.WriteAt(entry[:], at+uint64(slot)*rateSlot)
	return nil
}

func rateEntry(name uint32, who principal.Principal, full uint64) (entry [rateSlot]byte) {
	id := who.Bytes()
	entry[0] = byte(len(id)) + 1
	copy(entry[1:], id)
	binary.LittleEndian.PutUint32(entry[32:], name)
	binary.LittleEndian.PutUint64(entry[40:], full)
	return entry
}

// find is the caller's slot, or the one to use for a new caller: a free one, or that
// whose allowance is full first. The time is 0 for a new caller.
func find(set []byte, name uint32, who principal.Principal) (slot int, full uint64) {
	id := who.Bytes()
	first := ^uint64(0)
	for i := range rateWays {
		entry := set[i*rateSlot:][:rateSlot]
		until := binary.LittleEndian.Uint64(entry[40:])
		if int(entry[0]) == len(id)+1 && binary.LittleEndian.Uint32(entry[32:]) == name && bytes.Equal(entry[1:1+len(id)], id) {
			return i, until
		}
		if until < first { // a free slot has 0
			slot, first = i, until
		}
	}
	return slot, 0
}

// rateSet is FNV-1a over name and principal.
func rateSet(name uint32, who principal.Principal) uint32 {
	h := uint32(2166136261) ^ name
	for _, c := range who.Bytes() {
		h = (h ^ uint32(c)) * 16777619
	}
	return (h ^ h>>16) % rateSets
}

// rates is the table, made when it is first used.
func rates(in *Instance) (stable.Memory, error) {
	table := in.manager.Region(regionRates)
	if table.Size() == 0 {
		if err := table.Grow(ratePages); err != nil {
			return nil, err
		}
		table.WriteAt(rateMagic, 0)
		return table, nil
	}
	var head [5]byte
	if table.ReadAt(head[:], 0); !bytes.Equal(head[:], rateMagic) {
		panic(&stable.LayoutError{What: "rates, version 1", Found: fmt.Sprintf("%x", head)})
	}
	return table, nil
}
