package book

import (
	"bytes"
	"flag"
	"fmt"
	"os"
	"strings"
	"testing"

	"assay/commitment"
)

var update = flag.Bool("update", false, "rewrite the golden file")

// records are one of each stored kind, with every field set.
func records() map[string][]byte {
	h := commitment.Hash{1, 2, 3}
	seat := Seat{"operator", "worker"}
	j := &Job{
		Seq: 1, Requester: "user", Key: []byte("key"), Model: h, Class: ClassExact, Redundancy: 2, Items: 3, InputHash: h, ParametersHash: h, Price: 4,
		State: Disputed, Phase: RevealPhase, Attempt: 5, Round: 6, Beacon: beaconOf(7), Assigned: []Seat{seat}, Excluded: []Principal{"silent"},
		Deliveries: []Delivery{{seat, 5, &h, nil, 8}, {seat, 5, nil, &h, 9}}, OutputRoot: &h, Evidence: []commitment.Claim{{Word: "signed", Detail: "x"}},
		Message: "why", Submitted: 10, Deadline: 11, Settled: 12, Terms: Terms{13, 14, 15, "publisher", 16},
		CallbackMethod: "done", CallbackAt: AtFinal, CallbackNote: "note",
	}
	r := &round{1, 2, 3, beaconOf(4), []Seat{seat}, []uint64{5}}
	p := testModel()
	return map[string][]byte{
		"job":      j.encode(),
		"round":    r.encode(),
		"entry":    p.encode(),
		"items":    encodeItems([]Item{{Text: "text"}, {Tokens: []uint32{1, 2}}}),
		"output":   encodeOutput([]Tensor{{commitment.Float32, []uint64{1}, []byte{1, 2, 3, 4}}}),
		"money":    Entry{1, 2, 3, "settle", []Posting{debit(Account{Kind: World}, 4), credit(Account{Kind: User, Owner: "user"}, 4)}}.encode(),
		"decline":  declined{1, true, "why"}.encode(),
		"event":    Event{1, 2, 3, "kind", "detail"}.encode(),
		"callback": outgoing{1, "callee", 2, 3, 4}.encode(),
		"withdraw": Intent{1, "owner", "to", 2}.encode(),
		"shares":   encodeShares([]commitment.Share{{Account: "provider", Owner: []byte("o"), Cycles: "1"}}),
	}
}

// recode decodes a record of a kind and encodes it again.
func recode(kind string, v []byte) ([]byte, error) {
	switch kind {
	case "job":
		x, err := decodeJob(v)
		return x.encode(), err
	case "round":
		x, err := decodeRound(v)
		return x.encode(), err
	case "entry":
		x, err := decodeEntry(v)
		return x.encode(), err
	case "items":
		x, err := decodeItems(v)
		return encodeItems(x), err
	case "output":
		x, err := decodeOutput(v)
		return encodeOutput(x), err
	case "money":
		x, err := decodeMoney(v)
		return x.encode(), err
	case "decline":
		x, err := decodeDeclined(v)
		return x.encode(), err
	case "event":
		x, err := decodeEvent(v)
		return x.encode(), err
	case "callback":
		x, err := decodeOutgoing(v)
		return x.encode(), err
	case "withdraw":
		x, err := decodeIntent(v)
		return x.encode(), err
	case "shares":
		x, err := decodeShares(v)
		return encodeShares(x), err
	}
	panic("unknown kind " + kind)
}

var kinds = []string{"callback", "decline", "entry", "event", "items", "job", "money", "output", "round", "shares", "withdraw"}

// TestGoldenRecords holds every stored layout that was ever released.
func TestGoldenRecords(t *testing.T) {
	const file = "testdata/records.txt"
	var got strings.Builder
	for _, k := range kinds {
		fmt.Fprintf(&got, "%s %x\n", k, records()[k])
	}
	if *update {
		if err := os.WriteFile(file, []byte(got.String()), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	if got.String() != string(want) {
		t.Errorf("stored layouts changed\ngot:\n%swant:\n%s", got.String(), want)
	}
}

// TestRecordsComeBack: every record decodes to what was encoded, and every truncated,
// longer or newer one is refused.
func TestRecordsComeBack(t *testing.T) {
	for _, k := range kinds {
		v := records()[k]
		if got, err := recode(k, v); err != nil || !bytes.Equal(got, v) {
			t.Errorf("%s: got %x, %v, want %x", k, got, err, v)
		}
		for n := range v {
			if _, err := recode(k, v[:n]); err == nil {
				t.Errorf("%s: %d of %d bytes are taken", k, n, len(v))
			}
		}
		if _, err := recode(k, append(v, 0)); err == nil {
			t.Errorf("%s: a byte too many is taken", k)
		}
		if v[0]++; v[0] == 2 {
			if _, err := recode(k, v); err == nil {
				t.Errorf("%s: version 2 is taken", k)
			}
		}
	}
}

// FuzzRecords: no record panics a decoder, and what decodes re-encodes to the same bytes.
func FuzzRecords(f *testing.F) {
	for i, k := range kinds {
		f.Add(uint8(i), records()[k])
	}
	f.Fuzz(func(t *testing.T, kind uint8, v []byte) {
		k := kinds[int(kind)%len(kinds)]
		if got, err := recode(k, v); err == nil && !bytes.Equal(got, v) {
			t.Errorf("%s: %x re-encodes to %x", k, v, got)
		}
	})
}
