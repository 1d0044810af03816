package state

import (
	"bytes"
	"errors"
	"fmt"
	"time"

	"github.com/fxamacker/cbor/v2"

	"assay/ic/principal"
)

// Batch is what enters the state machine at once, in the order of its number: the inputs,
// and the round that follows them, if one does. A batch is written to the log before it
// is applied, so everything that anybody sees comes from what is kept. Messages of a
// batch without a round wait for the next round.
type Batch struct {
	Number uint64 // 1 is the first of a network
	Inputs []Input
	Round  *Round
}

// Round is what a round needs from outside besides messages.
type Round struct {
	Time    uint64   // nanoseconds since 1970
	Entropy [32]byte // what raw_rand draws from; unknown to whoever submitted what the round executes
	Tick    bool     // somebody asked for it: heartbeats and due timers run whenever they ran last
}

// Input is one thing from outside; exactly one field is set. New kinds go to the end,
// with the next number in [wireInput].
type Input struct {
	Ingress  *Ingress
	SetTime  uint64    // moves the network's time forward, in nanoseconds since 1970
	Settings *Settings // replaces the subnet's settings
	Outcall  *OutcallResult
	Queries  *QueryCount
}

// ErrBadBatch is a batch that cannot be decoded, or that does not follow the last one.
var ErrBadBatch = errors.New("not a batch of this network")

// The wire form is deterministic CBOR: one spelling for each batch.
type wireBatch struct {
	Number uint64      `cbor:"1,keyasint"`
	Inputs []wireInput `cbor:"2,keyasint,omitempty"`
	Round  *wireRound  `cbor:"3,keyasint,omitempty"`
}

type wireRound struct {
	Time    uint64   `cbor:"1,keyasint"`
	Entropy [32]byte `cbor:"2,keyasint"`
	Tick    bool     `cbor:"3,keyasint,omitempty"`
}

type wireInput struct {
	Ingress  *wireIngress `cbor:"1,keyasint,omitempty"`
	SetTime  uint64       `cbor:"2,keyasint,omitempty"`
	Settings *Settings    `cbor:"3,keyasint,omitempty"`
	Outcall  *wireOutcall `cbor:"4,keyasint,omitempty"`

	Queries *wireQueryCount `cbor:"5,keyasint,omitempty"`
}

type wireOutcall struct {
	ID      uint64   `cbor:"1,keyasint"`
	Status  uint64   `cbor:"2,keyasint,omitempty"`
	Headers [][]byte `cbor:"3,keyasint,omitempty"` // names and values in turn; need not be UTF-8
	Body    []byte   `cbor:"4,keyasint,omitempty"`
	Error   []byte   `cbor:"5,keyasint,omitempty"`
	Fatal   bool     `cbor:"6,keyasint,omitempty"`
}

type wireIngress struct {
	ID        []byte `cbor:"1,keyasint"`
	Sender    []byte `cbor:"2,keyasint"`
	Canister  []byte `cbor:"3,keyasint"`
	Effective []byte `cbor:"4,keyasint"`
	Method    []byte `cbor:"5,keyasint"` // need not be UTF-8
	Arg       []byte `cbor:"6,keyasint"`
	Expiry    uint64 `cbor:"7,keyasint"`
	Info      []byte `cbor:"8,keyasint,omitempty"` // of the caller
	Signer    []byte `cbor:"9,keyasint,omitempty"` // of Info
}

// Encode is the batch as it stands in logs and recordings.
func (b *Batch) Encode() ([]byte, error) {
	w := wireBatch{Number: b.Number}
	if b.Round != nil {
		w.Round = &wireRound{b.Round.Time, b.Round.Entropy, b.Round.Tick}
	}
	for _, in := range b.Inputs {
		w.Inputs = append(w.Inputs, in.wire())
	}
	out, err := batchEncoding.Marshal(w)
	if err != nil {
		return nil, fmt.Errorf("encode batch %d: %w", b.Number, err)
	}
	return out, nil
}

func (in Input) wire() wireInput {
	w := wireInput{SetTime: in.SetTime, Settings: in.Settings}
	if in.Ingress != nil {
		w.Ingress = in.Ingress.wire()
	}
	if in.Outcall != nil {
		w.Outcall = in.Outcall.wire()
	}
	if in.Queries != nil {
		w.Queries = in.Queries.wire()
	}
	return w
}

func (in *Ingress) wire() *wireIngress {
	return &wireIngress{
		ID: in.ID[:], Sender: in.Sender.Bytes(), Canister: in.Canister.Bytes(), Effective: in.Effective.Bytes(),
		Method: []byte(in.Method), Arg: in.Arg, Expiry: in.expiry(), Info: in.Info.Data, Signer: in.Info.Signer.Bytes(),
	}
}

// DecodeBatch reads what [Batch.Encode] wrote; errors are [ErrBadBatch].
func DecodeBatch(raw []byte) (*Batch, error) {
	var w wireBatch
	if err := batchDecoding.Unmarshal(raw, &w); err != nil {
		return nil, fmt.Errorf("%w: %w", ErrBadBatch, err)
	}
	b := &Batch{Number: w.Number}
	if w.Round != nil {
		b.Round = &Round{w.Round.Time, w.Round.Entropy, w.Round.Tick}
	}
	for i, in := range w.Inputs {
		input, err := in.input()
		if err != nil {
			return nil, fmt.Errorf("%w: input %d: %w", ErrBadBatch, i, err)
		}
		b.Inputs = append(b.Inputs, input)
	}
	if again, err := b.Encode(); err != nil || !bytes.Equal(again, raw) {
		return nil, fmt.Errorf("%w: it is not in its one spelling", ErrBadBatch)
	}
	return b, nil
}

func (w wireInput) input() (Input, error) {
	in := Input{SetTime: w.SetTime, Settings: w.Settings}
	kinds := 0
	for _, set := range []bool{w.Ingress != nil, w.SetTime != 0, w.Settings != nil, w.Outcall != nil, w.Queries != nil} {
		if set {
			kinds++
		}
	}
	if kinds != 1 {
		return in, fmt.Errorf("it is of %d kinds", kinds)
	}
	var err error
	switch {
	case w.Ingress != nil:
		in.Ingress, err = w.Ingress.ingress()
	case w.Outcall != nil:
		in.Outcall, err = w.Outcall.result()
	case w.Queries != nil:
		in.Queries, err = w.Queries.count()
	}
	return in, err
}

func (r *OutcallResult) wire() *wireOutcall {
	w := &wireOutcall{ID: r.ID, Status: r.Status, Body: r.Body, Error: []byte(r.Error), Fatal: r.Fatal}
	for _, h := range r.Headers {
		w.Headers = append(w.Headers, []byte(h.Name), []byte(h.Value))
	}
	return w
}

func (w *wireOutcall) result() (*OutcallResult, error) {
	r := &OutcallResult{ID: w.ID, Status: w.Status, Body: w.Body, Error: string(w.Error), Fatal: w.Fatal}
	if len(w.Headers)%2 != 0 {
		return nil, errors.New("a header without a value")
	}
	for i := 0; i < len(w.Headers); i += 2 {
		r.Headers = append(r.Headers, Header{string(w.Headers[i]), string(w.Headers[i+1])})
	}
	return r, nil
}

func (w *wireIngress) ingress() (*Ingress, error) {
	if w == nil {
		return nil, errors.New("an ingress message is missing")
	}
	m := &Ingress{Method: string(w.Method), Arg: w.Arg, Expiry: time.Unix(0, int64(w.Expiry))}
	if len(w.ID) != len(m.ID) || w.Expiry > 1<<63-1 {
		return nil, errors.New("a request id or an expiry out of range")
	}
	m.ID, m.Info.Data = RequestID(w.ID), w.Info
	for _, field := range []struct {
		in  []byte
		out *principal.Principal
	}{{w.Sender, &m.Sender}, {w.Canister, &m.Canister}, {w.Effective, &m.Effective}, {w.Signer, &m.Info.Signer}} {
		var err error
		if *field.out, err = principal.FromBytes(field.in); err != nil {
			return nil, err
		}
	}
	return m, nil
}

// A batch holds no more than this many inputs; what is over waits for the next one.
const (
	maxBatchInputs = 1 << 16
	maxBatchBytes  = 32 << 20
)

var (
	batchEncoding = mustMode(cbor.EncOptions{
		Sort: cbor.SortCoreDeterministic, ShortestFloat: cbor.ShortestFloat16, NaNConvert: cbor.NaNConvert7e00, InfConvert: cbor.InfConvertFloat16,
		IndefLength: cbor.IndefLengthForbidden, TextMarshaler: cbor.TextMarshalerTextString,
	}.EncMode())
	batchDecoding = mustMode(cbor.DecOptions{
		TextUnmarshaler: cbor.TextUnmarshalerTextString, MaxArrayElements: maxBatchInputs, MaxMapPairs: 64, MaxNestedLevels: 8,
		IndefLength: cbor.IndefLengthForbidden, DupMapKey: cbor.DupMapKeyEnforcedAPF, ExtraReturnErrors: cbor.ExtraDecErrorUnknownField,
	}.DecMode())
)
