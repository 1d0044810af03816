package foreign

import (
	"testing"
	"time"
)

func TestToken(t *testing.T) {
	t.Parallel()
	s := open(t)
	token := motoko(t, "Token")
	init := "(1000, " + quoted(alice) + ")"
	c := s.install(token, init)
	to := func(amount string) string { return "(" + quoted(bob) + ", " + amount + ")" }
	c.says("transfer", to("300"), "(variant { ok = 1 })")
	c.says("transfer", to("701"), `(variant { err = "only 700 left" })`)
	c.as(bob).says("transfer", "("+quoted(alice)+", 50)", "(variant { ok = 2 })")
	c.says("balance", "("+quoted(bob)+")", "(250)")
	c.fails("burnAllAndTrap", "()", "IC0503", "burnt by "+alice.String())
	c.says("balance", "("+quoted(alice)+")", "(750)")
	c.says("counts", "()", "(record { sinceUpgrade = 2; upgrades = 0 })")
	for range 2 {
		s.Upgrade(c.id, token.wasm, s.init(token, init))
	}
	c.says("counts", "()", "(record { sinceUpgrade = 0; upgrades = 2 })")
	c.says("balance", "("+quoted(alice)+")", "(750)")
	if got := c.gives("entries", "()"); !contains(got, "to = "+quoted(bob)+"; from = "+quoted(alice)+"; amount = 300;", "amount = 50;") {
		t.Errorf("entries %s", got)
	}
}

func TestClock(t *testing.T) {
	t.Parallel()
	s := open(t)
	clock := motoko(t, "Clock")
	c := s.install(clock)
	c.gives("once", `(2, "once")`)
	c.gives("every", `(3, "again")`)
	c.says("events", "()", "(vec {})")
	s.Advance(7 * time.Second)
	c.says("events", "()", `(vec { "once"; "again"; "again" })`)
	c.gives("cancelEvery", "()")
	s.Advance(10 * time.Second)
	c.says("events", "()", `(vec { "once"; "again"; "again" })`)
	c.fails("cancelEvery", "()", "IC0406", "no timer runs")
	c.gives("once", `(5, "lost with the upgrade")`)
	s.UpgradeStopped(c.id, clock.wasm, s.init(clock)) // a heartbeat may be at work
	s.Advance(10 * time.Second)
	c.says("events", "()", `(vec { "once"; "again"; "again" })`)
	c.gives("beat", "(true)")
	s.Advance(5 * time.Second)
	if heard := c.gives("heard", "()"); heard == "(0)" {
		t.Error("no heartbeat")
	}
	c.gives("beat", "(false)")
	c.gives("trapping", "(1)")
	c.gives("once", `(2, "after a trap")`)
	s.Advance(5 * time.Second)
	c.says("events", "()", `(vec { "once"; "again"; "again"; "after a trap" })`)
}

func TestCalls(t *testing.T) {
	t.Parallel()
	s := open(t)
	caller, callee := s.install(motoko(t, "Caller")), s.install(motoko(t, "Callee"))
	to := func(more string) string { return "(" + callee.it() + more + ")" }
	caller.says("inTurn", to(", 10"), "(385)")
	caller.says("atOnce", to(", 20"), "(2_870)")
	callee.says("count", "()", "(30)")
	caller.says("caught", to(", variant { refuse }"), `(record { code = "canister_reject"; text = "not today" })`)
	if got := caller.gives("caught", to(", variant { trap }")); !contains(got, `code = "canister_error"`, "fell over") {
		t.Error(got)
	}
	if got := caller.gives("caught", to(", variant { nowhere }")); !contains(got, `code = "canister_error"`) {
		t.Error(got)
	}
	if got := caller.gives("caught", "("+quoted(bob)+", variant { nowhere })"); !contains(got, `code = "destination_invalid"`) {
		t.Error(got)
	}
	callee.says("count", "()", "(31)") // refuse counts, what a trap counted is undone
	caller.says("counted", "()", "(414)")
	caller.fails("halfway", to(""), "IC0503", "assertion failed")
	caller.says("counted", "()", "(415)")
	caller.says("inTime", to(""), "(144)")
	caller.says("tell", to(`, "psst"`), "()")
	s.Settle()
	caller.says("peekAt", to(""), `("psst")`)
	caller.says("large", to(", 20"), "(1_048_576)")
	caller.says("fib", "(9)", "(34)")
}

func TestPurse(t *testing.T) {
	t.Parallel()
	s := open(t)
	a, b := s.install(motoko(t, "Purse")), s.install(motoko(t, "Purse"))
	a.says("give", "("+b.it()+", 1_000_000_000, 400_000_000)", "(record { taken = 400_000_000; refunded = 600_000_000 })")
	a.says("give", "("+b.it()+", 500_000_000, 900_000_000)", "(record { taken = 500_000_000; refunded = 0 })")
	if lost := a.gives("giveToTrap", "("+b.it()+", 700_000_000_000)"); len(lost) > len("(10_000_000_000)") {
		t.Errorf("a trap cost %s cycles", lost)
	}
	a.says("available", "()", "(0)")
	a.says("burn", "(1_000)", "(1_000)")
	a.fails("give", "("+b.it()+", 1_000_000_000_000_000, 1)", "IC0504", "cannot attach")
}

func TestSite(t *testing.T) {
	t.Parallel()
	s := open(t)
	c := s.install(motoko(t, "Site"))
	if got := certified(t, s, c); got != "" {
		t.Errorf("certified data %q before it was set", got)
	}
	c.gives("certify", `(blob "thirty two bytes of certified da")`)
	if got := certified(t, s, c); got != "thirty two bytes of certified da" {
		t.Errorf("certified data %q", got)
	}
	c.says("certificateInUpdate", "()", "(null)")
	c.fails("certify", `(blob "more than thirty two bytes of certified data")`, "IC0504", "32 bytes")
	get := func(url string) string {
		return `(record { method = "GET"; url = "` + url + `"; headers = vec {}; body = blob "" })`
	}
	for url, want := range map[string]string{"/": `body = blob "posts: 0"`, "/nothing": "status_code = 404", "/parts": "callback"} {
		if got := c.gives("http_request", get(url)); !contains(got, want) {
			t.Errorf("%s: %s", url, got)
		}
	}
	post := `(record { method = "POST"; url = "/"; headers = vec {}; body = blob "abc" })`
	if got := c.gives("http_request", post); !contains(got, "upgrade = opt true") {
		t.Error(got)
	}
	if got := c.gives("http_request_update", post); !contains(got, `body = blob "posts: 3"`, "status_code = 201") {
		t.Error(got)
	}
	c.says("more", "(record { part = 2 })", `(record { token = opt record { part = 3 }; body = blob "part 2," })`)
}

func TestComposite(t *testing.T) {
	t.Parallel()
	s := open(t)
	var all [4]canister
	for i := range all {
		all[i] = s.install(motoko(t, "Composite"))
		all[i].gives("set", "("+[]string{"1", "10", "100", "1000"}[i]+")")
	}
	ids := "(vec { " + all[1].it() + "; " + all[2].it() + "; " + all[3].it() + " })"
	for range 2 { // the first left nothing
		all[0].says("sum", ids, "(1_111)")
		all[0].says("chain", ids, "(vec { 1; 10; 100; 1_000 })")
	}
}

func TestDice(t *testing.T) {
	t.Parallel()
	s := open(t)
	c := s.install(motoko(t, "Dice"))
	c.says("differ", "()", "(true)")
	if a, b := c.gives("bytes", "()"), c.gives("bytes", "()"); a == b || len(a) < 40 {
		t.Errorf("%s, then %s", a, b)
	}
	if got := c.gives("roll", "()"); got < "(1)" || got > "(6)" {
		t.Errorf("rolled %s", got)
	}
}

func TestManager(t *testing.T) {
	t.Parallel()
	s := open(t)
	c, guard := s.install(motoko(t, "Manager")), motoko(t, "Guard")
	id := c.gives("create", "(3_000_000_000_000)")
	one := id[1 : len(id)-1]
	c.fails("create", "(1)", "IC0406", "fee")
	c.gives("install", "("+one+", "+blob(guard.wasm)+", false)")
	child := canister{s, guard, parsePrincipal(t, one), alice}
	child.says("ping", "()", "(1)")
	c.gives("install", "("+one+", "+blob(guard.wasm)+", true)")
	child.says("count", "()", "(1)")
	c.says("state", id, "(variant { running })")
	before := c.gives("cycles", id)
	c.gives("deposit", "("+one+", 1_000_000_000_000)")
	if after := c.gives("cycles", id); len(after) < len(before) || after == before {
		t.Errorf("%s cycles, then %s", before, after)
	}
	c.gives("restart", id)
	child.says("ping", "()", "(2)")
	c.says("changes", id, "(3)") // creation, installation, upgrade
	other := c.gives("create", "(3_000_000_000_000)")
	c.gives("end", other)
	c.fails("state", other, "IC0406", "not found")
	c.gives("handOver", "("+one+", "+quoted(bob)+")")
	c.fails("state", id, "IC0406", "controllers")
}

func TestHeap(t *testing.T) {
	t.Parallel()
	s := open(t)
	heap := motoko(t, "Heap")
	c := s.install(heap)
	for i := range 4 {
		c.gives("keep", "("+string(rune('0'+i))+"00, 100, 1000)")
		c.gives("churn", "(300, 10_000)")
	}
	c.says("check", "()", "(true)")
	c.says("recurse", "(5_000)", "(5_000)")
	c.fails("recurse", "(100_000_000)", "IC0502", "")
	c.says("check", "()", "(true)")
	c.says("store", `("hello, stable memory")`, "(1)")
	s.Upgrade(c.id, heap.wasm, s.init(heap))
	c.says("check", "()", "(true)")
	c.says("load", "(7, 13)", `(opt "stable memory")`)
	c.fails("load", "(70_000, 1)", "IC0503", "out of bounds")
}

func TestSpawner(t *testing.T) {
	t.Parallel()
	s := open(t)
	c := s.install(motoko(t, "Spawner"))
	first := c.gives("spawn", `("Ada")`)
	if second := c.gives("spawn", `("Bo")`); second == first {
		t.Errorf("two children are %s", first)
	}
	c.says("greetAll", "()", `(vec { "Ada says 1"; "Bo says 1" })`)
	c.says("rename", `("Ann")`, `("Ann says 2")`)
	c.says("greetAll", "()", `(vec { "Ann says 3"; "Bo says 2" })`)
}

func TestGuard(t *testing.T) {
	t.Parallel()
	s := open(t)
	c := s.install(motoko(t, "Guard"))
	c.as(anonymous).says("ping", "()", "(1)")
	c.says("secret", `("sesame")`, `("open to sesame")`)
	c.fails("secret", `("thistle")`, "IC0503", "explicitly refused")
	c.as(anonymous).fails("secret", `("sesame")`, "IC0503", "explicitly refused")
	c.says("count", "()", "(2)")
	if got := c.updates("count", "()"); got != "(2)" {
		t.Errorf("count as an update: %s", got)
	}
}
