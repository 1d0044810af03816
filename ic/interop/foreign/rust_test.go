package foreign

import (
	"crypto/sha256"
	"fmt"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
	"time"

	"assay/ic/candid/text"
	"assay/ic/certificate"
	"assay/ic/certificate/hashtree"
	"assay/internal/need"
)

// rust is a canister of the workspace rust, with the interface beside it.
func rust(t *testing.T, name string) code {
	t.Helper()
	dir := need.RustWasm(t, "rust", "calls", "certified", "clock", "factory", "notes")
	return code{read(t, filepath.Join(dir, name+".wasm")), parse(t, string(read(t, filepath.Join("rust", name, name+".did"))))}
}

func TestRustNotes(t *testing.T) {
	t.Parallel()
	s := open(t)
	notes := rust(t, "notes")
	c := s.install(notes, `("hello")`)
	c.says("get", `("first")`, `(opt "hello")`)
	c.says("put", `("first", "again")`, `(opt "hello")`)
	c.fails("put_and_panic", `("second", "x")`, "IC0503", "no note named second, please")
	c.says("totals", "()", "(record { log = 2; heap = 2; upgrades = 0; notes = 1 })")
	c.gives("fill", "(3_000)")
	c.fails("put", `("long", "`+strings.Repeat("x", 10_000)+`")`, "IC0406", "")
	for range 2 {
		s.Upgrade(c.id, notes.wasm, s.init(notes))
	}
	c.says("totals", "()", "(record { log = 6; heap = 0; upgrades = 2; notes = 3_001 })")
	c.says("last", "()", `(opt "post_upgrade")`)
	c.says("range", `("note 001234", 2)`, `(vec { "note 001234"; "note 001235" })`)
	c.says("get", `("note 002999")`, `(opt "`+strings.Repeat("2999", 10)+`")`)
}

func TestRustCalls(t *testing.T) {
	t.Parallel()
	s := open(t)
	a, b := s.install(rust(t, "calls")), s.install(rust(t, "calls"))
	to := func(more string) string { return "(" + b.it() + more + ")" }
	a.says("in_turn", to(", 10"), "(90)")
	a.says("at_once", to(", 100"), "(9_900)")
	b.says("steps", "()", "(110)")
	a.says("limits", to(""), "(true, false)")
	a.says("seen", to(`, "refuse", "not now"`), `(record { code = 4; kind = "reject"; text = "not now" })`)
	if got := a.gives("seen", to(`, "fail", "on purpose"`)); !contains(got, "code = 5", "on purpose") {
		t.Error(got)
	}
	if got := a.gives("seen", to(`, "nothing", ""`)); !contains(got, "code = 5", "no update method 'nothing'") {
		t.Error(got)
	}
	if got := a.gives("seen", "("+quoted(bob)+`, "double", "")`); !contains(got, "code = 3") {
		t.Error(got)
	}
	a.gives("tell", to(", 1"))
	s.Settle()
	b.says("steps", "()", "(111)")

	a.fails("trap_after_call", to(""), "IC0503", "after the call")
	a.says("steps", "()", "(10)")    // up to the call
	a.says("guards", "()", "(0, 1)") // the cleanup gave the guard back
	b.says("steps", "()", "(112)")

	a.says("pay", to(", 1_000_000_000, 300_000_000"), "(record { refunded = 700_000_000; accepted = 300_000_000 })")
	a.says("pay", to(", 1_000_000_000, 3_000_000_000"), "(record { refunded = 0; accepted = 1_000_000_000 })")
	a.says("pay_a_failure", to(", 1_000_000_000"), "(1_000_000_000)")
	a.says("pay_too_much", to(""), `("true of liquid cycles")`)
	a.says("sum_of_steps", "(vec { "+b.it()+"; "+b.it()+" })", "(234)")
	if got := a.as(bob).gives("whoami", "()"); !contains(got, a.it()+", "+quoted(bob)) {
		t.Error(got)
	}
}

func TestRustClock(t *testing.T) {
	t.Parallel()
	s := open(t)
	clock := rust(t, "clock")
	c := s.install(clock)
	c.gives("once", `(3, "three")`)
	c.gives("every", `(2, "two")`)
	c.gives("fail_later", "(1)")
	c.gives("ask_later", "(5, "+c.it()+")")
	s.Advance(5500 * time.Millisecond)
	version := c.gives("version", "()")
	if got := c.gives("events", "()"); !contains(got, `"two"; "three"; "two"; "version `) {
		t.Errorf("events %s at version %s", got, version)
	}
	c.gives("stop", "()")
	s.UpgradeStopped(c.id, clock.wasm, s.init(clock))
	s.Advance(5 * time.Second)
	c.says("events", "()", `(vec { "set by post_upgrade" })`)

	if got := c.gives("about", "()"); !contains(got, "replicated = false", "controller = false", "call_costs = true", "create_costs = 500_000_000_000", "color = null") {
		t.Error(got)
	}
	if got := c.gives("about_update", "()"); !contains(got, "replicated = true", "time = "+grouped(s.Now.UnixNano())) {
		t.Error(got)
	}
	n := numbers(t, c.gives("counters", "("+c.it()+")"))
	if before, after := n[0], n[2]; n[0] != n[1] && n[1]-n[0] > 10_000 || after >= before || n[3] <= n[1] {
		t.Errorf("instructions before the await %d and %d, after it %d and %d", n[0], n[1], n[2], n[3])
	}
}

// grouped prints a number as Candid text does.
func grouped(n int64) string {
	s := strconv.FormatInt(n, 10)
	for at := len(s) - 3; at > 0; at -= 3 {
		s = s[:at] + "_" + s[at:]
	}
	return s
}

func numbers(t *testing.T, list string) (out []uint64) {
	t.Helper()
	for part := range strings.SplitSeq(strings.Trim(list, "()"), ",") {
		n, err := strconv.ParseUint(strings.ReplaceAll(strings.TrimSpace(part), "_", ""), 10, 64)
		if err != nil {
			t.Fatal(err)
		}
		out = append(out, n)
	}
	return out
}

func TestRustFactory(t *testing.T) {
	t.Parallel()
	s := open(t)
	c, calls := s.install(rust(t, "factory")), rust(t, "calls")
	id := c.gives("create", "(5_000_000_000_000)")
	one := strings.TrimSuffix(strings.TrimPrefix(id, "(variant { Ok = "), " })")
	child := canister{s, calls, parsePrincipal(t, one), alice}
	c.says("install", "("+one+", "+blob(calls.wasm)+`, blob "DIDL\00\00")`, "(variant { Ok })")
	child.says("double", "(21)", "(42)")
	hash := sha256.Sum256(calls.wasm)
	c.says("install_in_chunks", "("+one+", "+blob(calls.wasm)+", "+blob(hash[:])+`, blob "DIDL\00\00")`, "(variant { Ok })")
	child.says("steps", "()", "(0)")
	if got := c.gives("install_in_chunks", "("+one+", "+blob(calls.wasm)+", "+blob(make([]byte, 32))+`, blob "")`); !contains(got, "Err") {
		t.Errorf("a wrong hash: %s", got)
	}
	child.gives("double", "(1)")
	c.says("back_and_forth", "("+one+`, "limited")`, "(variant { Ok })")
	child.says("steps", "()", "(1)")
	c.says("state", "("+one+")", `(variant { Ok = "running" })`)
	c.says("stop", "("+one+")", "(variant { Ok })")
	child.fails("double", "(1)", "IC0508", "")
	c.says("history", "("+one+")", "(variant { Ok = 4 })") // creation, installation, reinstallation, snapshot
	c.says("end", "("+one+")", "(variant { Ok })")
	child.fails("double", "(1)", "IC0301", "")
	if a, b := c.gives("random", "()"), c.gives("random", "()"); a == b || !contains(a, "Ok = blob") {
		t.Errorf("%s, then %s", a, b)
	}
}

func TestRustCertified(t *testing.T) {
	t.Parallel()
	s := open(t)
	c := s.install(rust(t, "certified"))
	for i := range 20 {
		c.gives("set", fmt.Sprintf(`("name %d", blob "value %d")`, i, i))
	}
	for _, name := range []string{"name 7", "name 77"} {
		values, err := text.Parse(c.gives("get", `("`+name+`")`))
		s.Must(err)
		answer := map[string]text.Value{}
		for _, f := range values[0].(text.Record) {
			answer[f.Name] = f.V
		}
		cert, err := certificate.Decode(answer["certificate"].(text.Opt).V.(text.Blob))
		s.Must(err)
		s.Must(cert.Verify(s.rootKey, c.id, s.Now, time.Minute))
		data, _ := cert.Tree.Lookup([]byte("canister"), c.id.Bytes(), []byte("certified_data"))
		witness, err := hashtree.Decode(answer["witness"].(text.Blob))
		s.Must(err)
		if root := witness.Digest(); string(root[:]) != string(data) {
			t.Errorf("%s: the witness has root %x, certified is %x", name, root, data)
		}
		got, result := witness.Lookup([]byte("values"), []byte(name))
		if want, found := answer["value"].(text.Opt); found != (result == hashtree.Found) || found && string(want.V.(text.Blob)) != string(got) {
			t.Errorf("%s: %q %v in the witness, %v answered", name, got, result, answer["value"])
		}
	}
}
