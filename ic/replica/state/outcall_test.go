package state_test

import (
	"bytes"
	"encoding/binary"
	"strings"
	"testing"
	"time"

	"assay/ic/candid"
	"assay/ic/management/managementapi"
	"assay/ic/principal"
	"assay/ic/replica/replicatest"
	"assay/ic/replica/state"
	"assay/ic/wasm/module"
)

// outcalling is a net whose canisters may make outcalls, and one with a transform.
func outcalling(t *testing.T) (*net, principal.Principal) {
	t.Helper()
	n := newNet(t)
	n.config.Outcalls = true
	n.m = state.New(n.config)
	return n, n.actorWith(replicatest.Wasm(replicatest.Options{Exports: []string{"canister_query transform"}}))
}

func get(url string) managementapi.HttpRequest {
	return managementapi.HttpRequest{Url: url, Method: managementapi.HttpMethod{Get: true}, MaxResponseBytes: new(uint64(1000))}
}

// fetch has a canister begin an outcall.
func (n *net) fetch(a principal.Principal, r managementapi.HttpRequest, attached uint64) state.RequestID {
	n.t.Helper()
	id := n.start(a, program{}.Call(call{
		To: principal.Management, Method: "http_request", Arg: must(managementapi.EncodeHttpRequestArgs(r)), Cycles: attached,
		OnReply:  program{}.Append([]byte{0}).AppendArg().AppendRefunded().Send(),
		OnReject: program{}.Append([]byte{1}).AppendRejectCode().AppendRefunded().Send(),
	}))
	n.rounds()
	return id
}

// got is what the canister was told in the end.
func (n *net) got(id state.RequestID) told {
	n.t.Helper()
	s := n.status(id)
	if s.Phase != state.Replied {
		n.t.Fatalf("outcall is %v: %v", s.Phase, s.Reject)
	}
	body := s.Reply[1 : len(s.Reply)-16]
	t := told{refunded: binary.LittleEndian.Uint64(s.Reply[len(s.Reply)-16:]), reply: body}
	if s.Reply[0] == 1 {
		t.code, t.reply = binary.LittleEndian.Uint32(body), nil
	}
	return t
}

// result hands in what came of an outcall.
func (n *net) result(r state.OutcallResult) {
	n.m.Feed(state.Input{Outcall: &r})
	n.rounds()
}

func TestOutcall(t *testing.T) {
	t.Parallel()
	n, a := outcalling(t)
	const url = "https://example.org/x"
	fee, _ := n.config.Prices.HTTPOutcall(uint64(len(url)), 1000).Uint64()
	id := n.fetch(a, get(url), fee+9)
	open := n.m.Outcalls()
	if len(open) != 1 || open[0].URL != url || open[0].Method != "GET" || open[0].MaxResponse != 1000 || open[0].Canister != a {
		t.Fatalf("open outcalls: %+v", open)
	}
	n.balanced()
	n.restart()
	if again := n.m.Outcalls(); len(again) != 1 || again[0].ID != open[0].ID {
		t.Fatalf("after a restart: %+v", again)
	}
	n.result(state.OutcallResult{ID: 99, Status: 500}) // of nobody
	n.result(state.OutcallResult{ID: open[0].ID, Status: 201, Body: []byte("body"), Headers: []state.Header{{Name: "h", Value: "\xff"}}})
	got := n.got(id)
	r := must(managementapi.DecodeHttpRequestResults(got.reply))
	if got.refunded != 9 || r.Status != candid.NewNat(201) || string(r.Body) != "body" || r.Headers[0] != (managementapi.HttpHeader{Name: "h", Value: "\ufffd"}) {
		t.Errorf("got %+v, %+v", got, r)
	}
	n.result(state.OutcallResult{ID: open[0].ID, Status: 200}) // again: ignored
	if len(n.m.Outcalls()) != 0 {
		t.Error("the outcall is still open")
	}
	for name, row := range map[string]struct {
		r    state.OutcallResult
		code uint32
	}{
		"transient": {state.OutcallResult{Error: "no route"}, 2},
		"fatal":     {state.OutcallResult{Error: "too long", Fatal: true}, 1},
	} {
		id := n.fetch(a, get(url), fee)
		row.r.ID = n.m.Outcalls()[0].ID
		n.result(row.r)
		if got := n.got(id); got.code != row.code || got.refunded != 0 {
			t.Errorf("%s: %+v", name, got)
		}
	}
	id = n.fetch(a, get(url), fee+3)
	n.pass(59 * time.Second)
	if len(n.m.Outcalls()) != 1 {
		t.Error("timed out too early")
	}
	n.pass(2 * time.Second)
	if got := n.got(id); got.code != 2 || got.refunded != 3 {
		t.Errorf("timed out: %+v", got)
	}
	out, rej := n.manage(a, "canister_metrics", about(a))
	n.must(out, rej)
	if spent := must(managementapi.DecodeCanisterMetricsResults(out)).CyclesConsumed.HttpOutcalls; spent != candid.NewNat(4*fee) {
		t.Errorf("spent %v on four outcalls of %d", spent, fee)
	}
	n.balanced()
}

func TestTransform(t *testing.T) {
	t.Parallel()
	n, a := outcalling(t)
	with := func(method string, context program, max uint64) managementapi.HttpRequest {
		r := get("https://example.org")
		r.MaxResponseBytes = &max
		r.Transform = &managementapi.Transform{Function: candid.Func{Service: a, Method: method}, Context: context}
		return r
	}
	run := func(r managementapi.HttpRequest) told {
		t.Helper()
		id := n.fetch(a, r, 1e12)
		n.result(state.OutcallResult{ID: n.m.Outcalls()[0].ID, Status: 200, Body: []byte("raw")})
		return n.got(id)
	}
	// The transform runs its argument as a program, which Candid is not: it appends
	// nothing and does not reply, which is rejected.
	if got := run(with("none", nil, 1000)); got.code != 5 {
		t.Errorf("a transform that does not exist: %+v", got)
	}
	if got := run(with("transform", nil, 1000)); got.code != 5 {
		t.Errorf("a transform that fails: %+v", got)
	}
	b := n.actorWith(transforming())
	r := with("transform", program{}, 1000)
	r.Transform.Function.Service = b
	id := n.fetch(b, r, 1e12)
	n.result(state.OutcallResult{ID: n.m.Outcalls()[0].ID, Status: 200, Body: []byte("raw")})
	want := must(managementapi.EncodeTransformArg(managementapi.TransformArg{Response: managementapi.HttpResponse{Status: candid.NewNat(200), Headers: []managementapi.HttpHeader{}, Body: []byte("raw")}, Context: program{}}))
	if got := n.got(id); !bytes.Equal(got.reply, append(want, 0)) {
		t.Errorf("the transform's answer: %q, want %q", got.reply, want)
	}
	r.MaxResponseBytes = new(uint64(10))
	id = n.fetch(b, r, 1e12)
	n.result(state.OutcallResult{ID: n.m.Outcalls()[0].ID, Status: 200})
	if got := n.got(id); got.code != 1 {
		t.Errorf("a transformed response over the limit: %+v", got)
	}
	n.balanced()
}

func TestBadOutcalls(t *testing.T) {
	t.Parallel()
	n, a := outcalling(t)
	const url = "https://example.org"
	change := func(f func(*managementapi.HttpRequest)) managementapi.HttpRequest {
		r := get(url)
		f(&r)
		return r
	}
	headers := func(count, size int) (hs []managementapi.HttpHeader) {
		for range count {
			hs = append(hs, managementapi.HttpHeader{Name: "n", Value: strings.Repeat("v", size)})
		}
		return hs
	}
	for name, r := range map[string]managementapi.HttpRequest{
		"a long URL":       change(func(r *managementapi.HttpRequest) { r.Url = url + strings.Repeat("/", 8193-len(url)) }),
		"a large response": change(func(r *managementapi.HttpRequest) { r.MaxResponseBytes = new(uint64(2_000_001)) }),
		"65 headers":       change(func(r *managementapi.HttpRequest) { r.Headers = headers(65, 1) }),
		"a long header":    change(func(r *managementapi.HttpRequest) { r.Headers = headers(1, 8<<10+1) }),
		"large headers":    change(func(r *managementapi.HttpRequest) { r.Headers = headers(7, 7<<10) }),
		"a large body":     change(func(r *managementapi.HttpRequest) { r.Body = new(make([]byte, 2_000_001)) }),
		"PUT by all":       change(func(r *managementapi.HttpRequest) { r.Method = managementapi.HttpMethod{Put: true} }),
		"another's transform": change(func(r *managementapi.HttpRequest) {
			r.Transform = &managementapi.Transform{Function: candid.Func{Service: user, Method: "t"}}
		}),
		"a large body and heads": change(func(r *managementapi.HttpRequest) { r.Body = new(make([]byte, 2_000_000)); r.Headers = headers(1, 1) }),
	} {
		if got := n.got(n.fetch(a, r, 1e12)); got.code != 4 || got.refunded != 1e12 {
			t.Errorf("%s: %+v, want code 4 and all cycles back", name, got)
		}
	}
	if got := n.got(n.fetch(a, get(url), 1000)); got.code != 4 || got.refunded != 1000 {
		t.Errorf("too few cycles: %+v", got)
	}
	alone := change(func(r *managementapi.HttpRequest) {
		r.Method, r.IsReplicated = managementapi.HttpMethod{Patch: true}, new(false)
	})
	n.fetch(a, alone, 1e12)
	if open := n.m.Outcalls(); len(open) != 1 || open[0].Method != "PATCH" {
		t.Errorf("PATCH by one: %+v", open)
	}
	off := newNet(t)
	c := off.actor()
	if got := off.got(off.fetch(c, get(url), 1e12)); got.code != 5 || got.refunded != 1e12 {
		t.Errorf("not enabled: %+v", got)
	}
	n.balanced()
	off.balanced()
}

// transforming is a module whose query transform replies its argument and then the size
// of its caller's id, which is none.
func transforming() []byte {
	return replicatest.Wasm(replicatest.Options{Edit: func(m *module.Module) {
		at := map[string]uint32{}
		for i, imp := range m.Imports {
			at[imp.Name] = uint32(i)
		}
		var c module.Code
		c.I32(1).Index(module.OpMemoryGrow, 0).I32(1 << 16).Op(0x6c).Set(0)
		c.Call(at["msg_arg_data_size"]).Set(1)
		c.Get(0).I32(0).Get(1).Call(at["msg_arg_data_copy"])
		c.Get(0).Get(1).Call(at["msg_reply_data_append"])
		c.Get(0).Call(at["msg_caller_size"]).Memory(module.OpI32Store, 0)
		c.Get(0).I32(1).Call(at["msg_reply_data_append"]).Call(at["msg_reply"])
		body := c.Body()
		body.Locals = []module.Locals{{N: 2, Type: module.I32}}
		f := m.AddFunc(module.FuncType{}, body)
		m.Exports = append(m.Exports, module.Export{Name: "canister_query transform", Kind: module.KindFunc, Index: f})
	}})
}
