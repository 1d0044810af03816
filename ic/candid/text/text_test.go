package text

import (
	"errors"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"assay/ic/candid"
	"assay/ic/candid/did"
)

const market = `
type Failure = record { code : opt variant { busy; no_funds }; message : text; retry : bool };
type Parameters = record { window : nat64; treasury_permille : nat16; base_price : nat };
type Init = record { dao : principal; parameters : Parameters };
service : (Init) -> {
  withdraw : (record { to : principal; amount : nat }) -> (variant { ok : nat; err : Failure });
  set_parameters : (Parameters) -> ();
  upload : (blob, opt text) -> ();
  look : (nat) -> (vec text) query;
}`

func program(t *testing.T) *did.Program {
	t.Helper()
	p, err := did.Parse(market)
	if err != nil {
		t.Fatal(err)
	}
	return p
}

func TestPrintAndParse(t *testing.T) {
	t.Parallel()
	p := program(t)
	for _, c := range []struct{ method, source, want string }{
		{"withdraw", `(record { amount = 1000000; to = principal "aaaaa-aa" })`, `(record { to = principal "aaaaa-aa"; amount = 1_000_000 })`},
		{"withdraw", `record { 3_664_621_355 = 1; 26_707 = principal "2vxsx-fae" }`, ""},
		{
			"set_parameters", `(record { base_price = 340282366920938463463374607431768211456; window = 5_000_000_000; treasury_permille = 1000 })`,
			"(record {\n    base_price = 340_282_366_920_938_463_463_374_607_431_768_211_456;\n    treasury_permille = 1_000;\n    window = 5_000_000_000;\n  })",
		},
		{"upload", `(blob "\00asm")`, `(blob "\00\61\73\6d", null)`},
		{"upload", `(blob "abc", "note")`, `(blob "abc", opt "note")`},
		{"look", `5`, `(5)`},
	} {
		msg, err := ParseArgs(p, c.method, c.source)
		if c.want == "" {
			if err == nil {
				t.Errorf("%s %s: no error", c.method, c.source)
			}
			continue
		}
		if err != nil {
			t.Errorf("%s %s: %v", c.method, c.source, err)
			continue
		}
		got, err := PrintArgs(p, c.method, msg)
		if err != nil {
			t.Errorf("%s %s: %v", c.method, c.source, err)
			continue
		}
		if strings.Join(strings.Fields(got), " ") != strings.Join(strings.Fields(c.want), " ") && !sameFields(got, c.want) {
			t.Errorf("%s %s\n got %s\nwant %s", c.method, c.source, got, c.want)
		}
		again, err := ParseArgs(p, c.method, got)
		if diff := cmp.Diff(msg, again); err != nil || diff != "" {
			t.Errorf("%s: printed text makes another message: %v %s", c.method, err, diff)
		}
	}
}

// sameFields compares printed text whose fields may stand in another order.
func sameFields(a, b string) bool {
	fields := func(s string) map[string]bool {
		m := map[string]bool{}
		for _, f := range strings.FieldsFunc(s, func(r rune) bool { return strings.ContainsRune("(){};,", r) }) {
			m[strings.TrimPrefix(strings.TrimSpace(f), "record")] = true
		}
		return m
	}
	return cmp.Equal(fields(a), fields(b))
}

func TestResultsAndInit(t *testing.T) {
	t.Parallel()
	p := program(t)
	s, _ := p.Method("withdraw")
	values, err := Parse(`(variant { err = record { code = opt variant { busy }; message = "later"; retry = true } })`)
	if err != nil {
		t.Fatal(err)
	}
	if values, err = Fit(p, types(s.Results), values); err != nil {
		t.Fatal(err)
	}
	msg, err := Encode(p, types(s.Results), values)
	if err != nil {
		t.Fatal(err)
	}
	got, err := PrintResults(p, "withdraw", msg)
	if err != nil || !strings.Contains(got, `message = "later"`) || !strings.Contains(got, "code = opt variant { busy }") {
		t.Errorf("printed %s, %v", got, err)
	}
	init, err := ParseInit(p, `(record { dao = principal "aaaaa-aa"; parameters = record { window = 1; treasury_permille = 2; base_price = 3 } })`)
	if err != nil {
		t.Fatal(err)
	}
	if got, err := PrintInit(p, init); err != nil || !strings.Contains(got, "base_price = 3") {
		t.Errorf("printed %s, %v", got, err)
	}
	if got, err := DecodeUntyped(init); err != nil || !strings.Contains(Print(got), `principal "aaaaa-aa"`) {
		t.Errorf("printed %s, %v", Print(got), err)
	}
}

func TestMistakes(t *testing.T) {
	t.Parallel()
	p := program(t)
	for _, c := range []struct{ name, method, source, want string }{
		{"unknown method", "draw", "()", `no method is called "draw"`},
		{"unknown field", "withdraw", `(record { to = principal "aaaaa-aa"; amount = 1; ammount = 2 })`, "no field is called ammount"},
		{"missing field", "withdraw", `(record { to = principal "aaaaa-aa" })`, "field amount is missing"},
		{"wrong type", "withdraw", `(record { to = "aaaaa-aa"; amount = 1 })`, `to: "aaaaa-aa" is no principal`},
		{"out of range", "set_parameters", `(record { window = 1; treasury_permille = 65536; base_price = 1 })`, "65_536 is no nat16"},
		{"missing value", "withdraw", `()`, "value 1 is missing"},
		{"one value too many", "withdraw", `(1, 2)`, "2 values given, 1 are taken"},
		{"no text", "withdraw", ``, "expected a value, found the end"},
		{"no end", "withdraw", `(record { to = `, "expected a value, found the end"},
		{"something after the end", "withdraw", `(1) 2`, "expected the end"},
		{"not a value", "withdraw", `(nat)`, "expected a value, found nat"},
		{"bad principal", "withdraw", `(record { to = principal "aaaaa-ab"; amount = 1 })`, "parse principal"},
		{"unknown annotation", "look", `(5 : nat65)`, "primitive type"},
		{"too deep", "withdraw", strings.Repeat("opt ", 1000) + "1", "deep"},
		{"too long a number", "look", strings.Repeat("1", 20_000), "digits"},
	} {
		if _, err := ParseArgs(p, c.method, c.source); err == nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%s: error %v, want one about %q", c.name, err, c.want)
		}
	}
	var de *candid.DecodeError
	if _, err := PrintArgs(p, "withdraw", []byte("DIDL\x00\x01\x7d\x05")); !errors.As(err, &de) || de.What != "withdraw arguments" {
		t.Errorf("message of another type: error %v", err)
	}
	if _, err := PrintResults(p, "draw", nil); err == nil {
		t.Error("results of an unknown method were printed")
	}
}

func TestPrintValue(t *testing.T) {
	t.Parallel()
	for _, source := range []string{
		"null", "true", "-1_234", "0", "1.0", "-0.5", "1e+100", "inf", "-inf", "nan", `"a\n\"b\" ☃"`, `blob "\00\ff"`, `blob "a\"b"`,
		"opt opt null", "vec {}", "vec { 1; 2 }", "record {}", "record { 1; \"x\" }", "record { a = 1; 7 = 2; \"b c\" = 3 }",
		"variant { none }", "variant { 5 }", "variant { some = opt 1 }", `principal "aaaaa-aa"`, `service "2vxsx-fae"`,
		`func "aaaaa-aa".raw_rand`, `func "aaaaa-aa"."a b"`, `variant { "query" }`,
	} {
		values, err := Parse(source)
		if err != nil {
			t.Errorf("%s: %v", source, err)
			continue
		}
		got := PrintValue(values[0])
		if !sameFields(got, source) {
			t.Errorf("%s prints as %s", source, got)
		}
		again, err := Parse(got)
		if err != nil || PrintValue(again[0]) != got {
			t.Errorf("%s printed does not parse to the same: %v", source, err)
		}
	}
}

func FuzzParse(f *testing.F) {
	for _, seed := range []string{
		"()", "(1, -2.5e3, \"a\")", "(record { a = opt 1; 5 = vec { null } })", "variant { a = blob \"\\ff\" }",
		`(principal "aaaaa-aa", func "aaaaa-aa".m, service "2vxsx-fae")`, "(0x1F : nat8, true : bool)",
	} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, source string) {
		values, err := Parse(source)
		if err != nil {
			return
		}
		printed := Print(values)
		again, err := Parse(printed)
		if err != nil {
			t.Fatalf("printed text does not parse: %v\n%s", err, printed)
		}
		if diff := cmp.Diff(printed, Print(again)); diff != "" {
			t.Errorf("printed, parsed and printed (-first +second):\n%s", diff)
		}
	})
}

func FuzzDecode(f *testing.F) {
	p, err := did.Parse(`type L = opt record { nat; L }; type V = variant { a; b : V; c : func (V) -> (L) query };
		service : { m : (L, V, opt service { m : (L) -> () }, record { a : opt float32; b : vec opt int }) -> () }`)
	if err != nil {
		f.Fatal(err)
	}
	s, _ := p.Method("m")
	for _, seed := range []string{
		"DIDL\x00\x00", "DIDL\x01\x6c\x01\x00\x00\x01\x00\x00", "DIDL\x01\x6b\x01\x00\x00\x01\x00\x00",
		"DIDL\x03\x6b\x01\x61\x7f\x6c\x01\x62\x02\x6d\x7c\x04\x7f\x00\x7f\x01\x00\x02\x05\x06",
		"DIDL\x02\x6a\x00\x01\x01\x00\x67\x00\x01\x00\x01\x01\x00\x01m",
	} {
		f.Add([]byte(seed))
	}
	f.Fuzz(func(t *testing.T, msg []byte) {
		values, err := DecodeUntyped(msg)
		if err == nil {
			_ = Print(values)
		}
		if values, err = Decode(p, types(s.Args), msg, "m"); err != nil {
			return
		}
		again, err := Encode(p, types(s.Args), values)
		if err != nil {
			t.Fatalf("decoded from %x, does not encode: %v", msg, err)
		}
		second, err := Decode(p, types(s.Args), again, "m")
		if err != nil || Print(values) != Print(second) {
			t.Errorf("%x decoded, encoded and decoded: %v\n%s\n%s", msg, err, Print(values), Print(second))
		}
	})
}
