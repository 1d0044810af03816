package state_test

import (
	"bytes"
	"errors"
	"testing"
	"time"

	"assay/ic/principal"
	"assay/ic/replica/host"
	"assay/ic/replica/state"
)

func someBatch() *state.Batch {
	in := &state.Ingress{
		ID: state.RequestID{1, 2}, Sender: user, Canister: principal.Canister(3), Effective: principal.Canister(3),
		Method: "run\xff", Arg: []byte("argument"), Expiry: time.Unix(0, 1_700_000_000_123_456_789),
		Info: host.CallerInfo{Data: []byte("info"), Signer: principal.Canister(4)},
	}
	return &state.Batch{
		Number: 7,
		Inputs: []state.Input{
			{Ingress: in},
			{SetTime: 1_700_000_000_000_000_001},
			{Settings: &state.Settings{RootKey: []byte("key"), Subnet: user, StopTimeout: time.Minute, StablePages: 9}},
			{Outcall: &state.OutcallResult{ID: 3, Status: 200, Headers: []state.Header{{Name: "a", Value: "\xff"}}, Body: []byte("body"), Error: "why", Fatal: true}},
			{Queries: &state.QueryCount{Canister: principal.Canister(8), Calls: 1, Instructions: 2, Request: 3, Response: 4}},
		},
		Round: &state.Round{Time: 1_700_000_000_000_000_002, Entropy: [32]byte{5}},
	}
}

func encode(t testing.TB, b *state.Batch) []byte {
	t.Helper()
	raw, err := b.Encode()
	if err != nil {
		t.Fatal(err)
	}
	return raw
}

func TestBatchKeepsWhatItHolds(t *testing.T) {
	t.Parallel()
	raw := encode(t, someBatch())
	got, err := state.DecodeBatch(raw)
	if err != nil {
		t.Fatal(err)
	}
	in := got.Inputs[0].Ingress
	if want := someBatch().Inputs[0].Ingress; in.ID != want.ID || in.Sender != want.Sender || in.Method != want.Method ||
		!bytes.Equal(in.Arg, want.Arg) || string(in.Info.Data) != "info" || in.Info.Signer != want.Info.Signer || !in.Expiry.Equal(want.Expiry) || in.Canister != want.Canister {
		t.Errorf("message %+v, want %+v", in, want)
	}
	if got.Inputs[1].SetTime != 1_700_000_000_000_000_001 || got.Inputs[2].Settings.StablePages != 9 || got.Inputs[3].Outcall.Headers[0].Value != "\xff" ||
		string(got.Inputs[3].Outcall.Body) != "body" || got.Inputs[3].Outcall.Error != "why" || !got.Inputs[3].Outcall.Fatal || *got.Round != *someBatch().Round {
		t.Errorf("got %+v", got)
	}
}

func TestBatchRefusesNonsense(t *testing.T) {
	t.Parallel()
	raw := encode(t, someBatch())
	for name, bad := range map[string][]byte{
		"nothing":    {},
		"cut short":  raw[:len(raw)-1],
		"more after": append(bytes.Clone(raw), 0),
		"no kind":    encode(t, &state.Batch{Number: 1, Inputs: []state.Input{{}}}),
		"two kinds":  encode(t, &state.Batch{Number: 1, Inputs: []state.Input{{SetTime: 1, Settings: &state.Settings{}}}}),
	} {
		if _, err := state.DecodeBatch(bad); !errors.Is(err, state.ErrBadBatch) {
			t.Errorf("%s: %v", name, err)
		}
	}
}

func FuzzDecodeBatch(f *testing.F) {
	f.Add(encode(f, someBatch()))
	f.Add(encode(f, &state.Batch{Number: 1}))
	f.Fuzz(func(t *testing.T, raw []byte) {
		b, err := state.DecodeBatch(raw)
		if err != nil {
			if !errors.Is(err, state.ErrBadBatch) {
				t.Errorf("error of another kind: %v", err)
			}
			return
		}
		if again := encode(t, b); !bytes.Equal(again, raw) {
			t.Errorf("%x became %x", raw, again)
		}
	})
}

func TestApplyTakesBatchesInOrder(t *testing.T) {
	t.Parallel()
	n := newNet(t)
	n.rounds()
	last := n.m.Next(true)
	for name, b := range map[string]*state.Batch{
		"one too many": {Number: last.Number + 1},
		"the last":     {Number: last.Number - 1},
		"back in time": {Number: last.Number, Round: &state.Round{Time: 1}},
	} {
		if _, err := n.m.Apply(t.Context(), b); !errors.Is(err, state.ErrBadBatch) {
			t.Errorf("%s: %v", name, err)
		}
	}
	if _, err := n.m.Apply(t.Context(), last); err != nil {
		t.Error(err)
	}
}

func TestAbandonedBatchIsAsIfNeverSent(t *testing.T) {
	t.Parallel()
	n := newNet(t)
	a := n.actor()
	before := n.info(a).Cycles
	in := inState(a, program{}.Add(0, 1).Reply(nil))
	id, rej := n.submit(in)
	if rej != nil {
		t.Fatal(rej)
	}
	if _, known := n.m.Status(id); known {
		t.Error("a message that is in no batch is known")
	}
	full := errors.New("no space")
	n.m.Abandon(n.m.Next(true), full)
	if err := n.m.Kept(t.Context(), id); !errors.Is(err, state.ErrUnknownRequest) {
		t.Errorf("after the loss: %v", err)
	}
	if after := n.info(a).Cycles; after != before {
		t.Errorf("the canister paid: %v, before %v", after, before)
	}
	in.ID, in.Sender, in.Expiry = id, user, n.now.Add(time.Minute)
	if rej := n.m.Submit(t.Context(), in); rej != nil {
		t.Fatal(rej)
	}
	n.rounds()
	if s := n.status(id); s.Phase != state.Replied {
		t.Errorf("sent again it is %v", s.Phase)
	}
}
