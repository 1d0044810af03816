package sample

import (
	"context"
	"errors"
	"strings"
	"testing"

	"assay/ic/candid"
	"assay/ic/candid/candidtest"
	"assay/ic/candid/did"
	"assay/ic/candid/text"
	"assay/ic/principal"
)

func TestRoundTrips(t *testing.T) {
	t.Parallel()
	candidtest.RoundTrip(t, 300, EncodeNumbers, DecodeNumbers)
	candidtest.RoundTrip(t, 300, EncodeList, DecodeList)
	candidtest.RoundTrip(t, 300, EncodeTree, DecodeTree)
	candidtest.RoundTrip(t, 300, EncodeNest, DecodeNest)
	candidtest.RoundTrip(t, 300, EncodePair, DecodePair)
	candidtest.RoundTrip(t, 300, EncodeShape, DecodeShape)
	candidtest.RoundTrip(t, 300, EncodeAlias, DecodeAlias)
	candidtest.RoundTrip(t, 300, EncodeOdd, DecodeOdd)
	candidtest.RoundTrip(t, 300, EncodeOddResults, DecodeOddResults)
	candidtest.RoundTrip(t, 300, EncodeStreaming, DecodeStreaming)
	candidtest.RoundTrip(t, 300, EncodeHooks, DecodeHooks)
	candidtest.RoundTrip(t, 300, EncodeHooksResults, DecodeHooksResults)
}

func FuzzTree(f *testing.F)   { fuzz(f, EncodeTree, DecodeTree) }
func FuzzShapes(f *testing.F) { fuzz(f, EncodeShapes, DecodeShapes) }
func FuzzOdd(f *testing.F)    { fuzz(f, EncodeOdd, DecodeOdd) }
func FuzzHooks(f *testing.F)  { fuzz(f, EncodeHooks, DecodeHooks) }

func fuzz[T any](f *testing.F, encode func(T) ([]byte, error), decode func([]byte) (T, error)) {
	var zero T
	if msg, err := encode(zero); err == nil {
		f.Add(msg)
	}
	f.Add([]byte("DIDL\x02\x6e\x01\x6b\x01\x09\x7b\x01\x00\x01\x00\x05"))
	f.Add([]byte("DIDL\x01\x6c\x01\x00\x00\x01\x00\x00"))
	f.Fuzz(func(t *testing.T, msg []byte) { candidtest.Stable(t, msg, encode, decode) })
}

// TestHostileRecursion sends messages whose types make a reader of recursive types go
// deep without bytes.
func TestHostileRecursion(t *testing.T) {
	t.Parallel()
	for _, msg := range []string{
		"DIDL\x01\x6e\x00\x01\x00" + string(make([]byte, 1)),                                  // opt of itself, absent
		"DIDL\x01\x6c\x01\x00\x00\x01\x00",                                                    // record of itself
		"DIDL\x01\x6b\x01\x00\x00\x01\x00" + string(make([]byte, 5000)),                       // variant of itself
		"DIDL\x01\x6d\x00\x01\x00" + string([]byte{1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 0}), // vec of itself
	} {
		_, _ = DecodeTree([]byte(msg))
		_, _ = DecodeList([]byte(msg))
		_, _ = DecodeNest([]byte(msg))
		_, _ = DecodeShape([]byte(msg))
	}
}

func TestVariantNeedsOneField(t *testing.T) {
	t.Parallel()
	for _, s := range []Shape{{}, {Tag_: true, Square: new(uint32(4))}} {
		var ee *candid.EncodeError
		if _, err := EncodeShape(s); !errors.As(err, &ee) {
			t.Errorf("%+v: error %v", s, err)
		}
	}
	for _, c := range []struct {
		shape Shape
		want  string
	}{{Shape{}, ""}, {Shape{Tag_: true}, "tag"}, {Shape{F7: new("x")}, "7"}} {
		if got := c.shape.Tag(); got != c.want {
			t.Errorf("%+v: tag %q, want %q", c.shape, got, c.want)
		}
	}
}

// server implements the generated Service, so that what a client sends arrives there.
type server struct{ calls []string }

var errBusy = errors.New("busy, try later")

func (s *server) Numbers(_ string, n Numbers) (Numbers, error) { n.N8++; return n, nil }
func (s *server) List(string, List) (List, error)              { return nil, errBusy }
func (s *server) Tree(_ string, t Tree) (Tree, error)          { return t, nil }
func (s *server) Odd(_ string, o Odd) (OddResult, error)       { return OddResult{Ok: &o}, nil }

func (s *server) Shapes(_ string, a Alias, b []ShapesArg2) (Nest, candid.Nat, ShapesResult3, error) {
	return Nest{nil, nil}, candid.NewNat(uint64(len(a))), ShapesResult3{true, []byte(b[0].Name)}, nil
}

func (s *server) Nothing(m string) error {
	s.calls = append(s.calls, m)
	return nil
}

func (s *server) Hooks(_ string, h Hooks, _ Streaming) (*Ledger, error) { return h.Ledger, nil }

func (s *server) Ping(_ string, n candid.Nat) error {
	s.calls = append(s.calls, n.String())
	return nil
}

// wire carries calls of a client to a server.
type wire struct{ methods []candid.Method[string] }

func (w wire) Call(_ context.Context, method string, kind candid.Kind, arg []byte) ([]byte, error) {
	for _, m := range w.methods {
		if m.Name == method && m.Kind == kind {
			return m.Handle("a message", arg)
		}
	}
	return nil, errors.New("no such method")
}

func TestClientAndServer(t *testing.T) {
	t.Parallel()
	s := &server{}
	w := wire{Methods[string](s)}
	c := NewClient[context.Context](w)
	ctx := t.Context()
	if n, err := c.Numbers(ctx, Numbers{N8: 4}); err != nil || n.N8 != 5 {
		t.Errorf("numbers: %d, %v", n.N8, err)
	}
	if _, err := c.List(ctx, nil); !errors.Is(err, errBusy) {
		t.Errorf("list: %v, want %v", err, errBusy)
	}
	if tree, err := c.Tree(ctx, Tree{Leaf: true}); err != nil || tree.Tag() != "leaf" {
		t.Errorf("tree: %s, %v", tree.Tag(), err)
	}
	nest, n, pair, err := c.Shapes(ctx, Alias{nil, {Tag_: true}}, []ShapesArg2{{Name: "round"}})
	if err != nil || len(nest) != 2 || n != candid.NewNat(2) || string(pair.F1) != "round" {
		t.Errorf("shapes: %v, %s, %v, %v", nest, n, pair, err)
	}
	if err := c.Nothing(ctx); err != nil || len(s.calls) != 1 || s.calls[0] != "a message" {
		t.Errorf("nothing: %v, calls %q", err, s.calls)
	}
	ledger := principal.Canister(3)
	if got, err := c.Hooks(ctx, Hooks{Ledger: &ledger}, Streaming{Service: ledger, Method: "more"}); err != nil || *got != ledger {
		t.Errorf("hooks: %v, %v", got, err)
	}
	if err := c.Ping(ctx, candid.NewNat(5)); err != nil || s.calls[1] != "5" {
		t.Errorf("ping: %v, calls %q", err, s.calls)
	}
	var de *candid.DecodeError
	if _, err := w.Call(ctx, "numbers", candid.Update, []byte("DIDL\x00\x00")); !errors.As(err, &de) || de.What != "numbers arguments" {
		t.Errorf("call without arguments: %v", err)
	}
}

// TestReferencesFit reads references whose types in the message are those of another
// program: a service that has grown fits, one that broke does not.
func TestReferencesFit(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		name, other string
		want        string // part of the error; none if it fits
	}{
		{"the same", `func (record { key : text; index : nat }) -> (opt record { body : blob; token : opt record { key : text; index : nat } }) query`, ""},
		{"takes more and answers less", `func (record { key : text; index : int; shard : opt nat8 }) -> (opt record { body : blob }) query`, ""},
		{"an update", `func (record { key : text; index : nat }) -> (opt record { body : blob }) `, "does not fit"},
		{"another argument", `func (text) -> (opt record { body : blob }) query`, "does not fit"},
		{"an argument more", `func (record { key : text; index : nat }, nat) -> () query`, "does not fit"},
		{"no reference", `record { key : text; index : nat }`, "expected func, found record"},
	} {
		value := `(func "aaaaa-aa".more)`
		if c.want == "expected func, found record" {
			value = `(record { key = "a"; index = 1 })`
		}
		_, err := DecodeStreaming(message(t, c.other, value))
		if c.want == "" && err != nil || c.want != "" && (err == nil || !strings.Contains(err.Error(), c.want)) {
			t.Errorf("%s: error %v, want %q", c.name, err, c.want)
		}
	}
	const streaming = `(record { key : text; index : nat }) -> (opt record { body : blob }) query`
	if _, err := DecodeLedger(message(t, `service { transfer : (int) -> (variant { ok : nat }); notify : `+streaming+`; more : () -> () }`, `(service "aaaaa-aa")`)); err != nil {
		t.Errorf("a ledger that has grown: %v", err)
	}
	if _, err := DecodeLedger(message(t, `service { transfer : (int) -> (variant { ok : nat; new }) }`, `(service "aaaaa-aa")`)); err == nil {
		t.Error("a ledger without notify was taken")
	}
	if l, err := DecodeHooksResults(message(t, `opt service { transfer : () -> () }`, `(opt service "aaaaa-aa")`)); err != nil || l != nil {
		t.Errorf("a ledger that does not fit, under opt: %v, %v, want null", l, err)
	}
}

// message is text as a message of one value of a type.
func message(t *testing.T, typ, value string) []byte {
	t.Helper()
	p, err := did.Parse("service : { m : (" + typ + ") -> () }")
	if err != nil {
		t.Fatal(err)
	}
	msg, err := text.ParseArgs(p, "m", value)
	if err != nil {
		t.Fatal(err)
	}
	return msg
}
