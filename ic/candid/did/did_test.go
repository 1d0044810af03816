package did

import (
	"fmt"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

func TestParse(t *testing.T) {
	t.Parallel()
	for _, c := range []struct{ name, source, want string }{
		{"nothing", "", ""},
		{"comments", "// one\n/* two /* nested */ */ type A = nat; // three", "type A = nat;\n"},
		{
			"forms of types", `type A = record { text; opt nat; x : vec A; 7 : blob; "two words" : B; int8 };
			type B = variant { none; some : record {}; 5; "query" : func (a : nat, A) -> (reserved) query };`,
			"type A = record { 0 : text; 1 : opt nat; x : vec A; 7 : blob; \"two words\" : B; 3447011798 : int8 };\n",
		},
		{
			"service", "type F = func () -> (); service market : (owner : principal, nat) -> { b : F; a : (nat, text) -> (nat64) composite_query; ping : () -> () oneway }",
			"type F = func () -> ();\nservice : (owner : principal, nat) -> {\n  b : F;\n  a : (nat, text) -> (nat64) composite_query;\n  ping : () -> () oneway;\n}\n",
		},
		{"service by name", "type S = service { a : () -> () }; service : S", "type S = service { a : () -> () };\nservice : {\n  a : () -> ();\n}\n"},
		{"tuple", "type A = record { nat; text }", "type A = record { nat; text };\n"},
	} {
		p, err := Parse(c.source)
		if err != nil {
			t.Errorf("%s: %v", c.name, err)
			continue
		}
		got := p.Format()
		if c.name == "forms of types" {
			got = strings.SplitAfter(got, "\n")[0]
		}
		if diff := cmp.Diff(c.want, got); diff != "" {
			t.Errorf("%s (-want +got):\n%s", c.name, diff)
		}
	}
}

func TestParseRefuses(t *testing.T) {
	t.Parallel()
	for _, c := range []struct{ name, source, want string }{
		{"no definition", "nat", "expected type, import or service"},
		{"unknown type", "type A = B", "no type is called B"},
		{"unknown type in a method", "service : { a : (B) -> () }", "no type is called B"},
		{"type twice", "type A = nat; type A = int", "also defined"},
		{"type that is its own name", "type A = B; type B = A", "only a name for itself"},
		{"primitive as a name", "type nat = int", "expected a name"},
		{"keyword as a name", "type opt = int", "expected a name"},
		{"keyword as a field", "type A = record { query : nat }", "quotes"},
		{"field twice", "type A = record { a : nat; a : nat }", "same id"},
		{"fields of one id", "type A = record { 23515 : nat; id : nat }", "same id"},
		{"id over 32 bits", "type A = record { 4294967296 : nat }", "2^32"},
		{"no id after the last", "type A = record { 4294967295 : nat; nat }", "32 bits"},
		{"method twice", "service : { a : () -> (); a : () -> () }", "twice"},
		{"method that is no function", "type A = nat; service : { a : A }", "no function"},
		{"two annotations", "service : { a : () -> () query oneway }", "annotation"},
		{"oneway with results", "service : { a : () -> (nat) oneway }", "no results"},
		{"something after the service", "service : {}; type A = nat", "nothing may follow"},
		{"comment without end", "/* a /* b */", "without end"},
		{"string without end", "type A = record { \"a : nat }", "without end"},
		{"unknown escape", `type A = record { "\q" : nat }`, "escape"},
		{"character that means nothing", "type A = @", "unexpected character"},
		{"no semicolon", "type A = nat type B = nat", "expected ;"},
		{"nested too deep", "type A = " + strings.Repeat("opt ", 1000) + "nat", "deep"},
		{"import without files", `import "a.did"`, "no files"},
		{"too long", strings.Repeat(" ", 2<<20), "at most"},
	} {
		_, err := Parse(c.source)
		if err == nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%s: error %v, want one about %q", c.name, err, c.want)
		}
	}
}

// files is a read function for a few files.
func files(m map[string]string) func(string) ([]byte, error) {
	return func(name string) ([]byte, error) {
		if s, ok := m[name]; ok {
			return []byte(s), nil
		}
		return nil, fmt.Errorf("no file %s", name)
	}
}

func TestImport(t *testing.T) {
	t.Parallel()
	p, err := Load("dapp/dapp.did", files(map[string]string{
		"dapp/dapp.did":     `import "../market/market.did"; import service "../market/base.did"; type Hit = record { job : Job }; service : { hits : () -> (vec Hit) query }`,
		"market/market.did": `import "base.did"; type Job = record { id : Id }; type Unused = nat; service : { job : () -> (Unused) }`,
		"market/base.did":   `type Id = nat64; service : { version : () -> (text) query }`,
	}))
	if err != nil {
		t.Fatal(err)
	}
	want := "type Id = nat64;\ntype Job = record { id : Id };\ntype Hit = record { job : Job };\n" +
		"service : {\n  version : () -> (text) query;\n  hits : () -> (vec Hit) query;\n}\n"
	if diff := cmp.Diff(want, p.Format()); diff != "" {
		t.Errorf("joined (-want +got):\n%s", diff)
	}
	for _, c := range []struct {
		name  string
		files map[string]string
		want  string
	}{
		{"missing file", map[string]string{"a": `import "b"`}, "no file b"},
		{"circle", map[string]string{"a": `import "b"`, "b": `import "a"`}, "imports itself"},
		{"one name twice", map[string]string{"a": `import "b"; type T = nat`, "b": `type T = int`}, "type T is also defined"},
		{"no service to import", map[string]string{"a": `import service "b"`, "b": `type T = int`}, "no service"},
		{"mistake in the imported file", map[string]string{"a": `import "b"`, "b": "\ntype"}, "b: line 2:5"},
	} {
		if _, err := Load("a", files(c.files)); err == nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%s: error %v, want one about %q", c.name, err, c.want)
		}
	}
}

func TestCompatible(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		name, old, renewed string
		want               bool
	}{
		{"the same", "service : { a : (nat) -> (nat) }", "service : { a : (nat) -> (nat) }", true},
		{"a method more", "service : {}", "service : { a : (nat) -> (nat) }", true},
		{"a method less", "service : { a : (nat) -> (nat) }", "service : {}", false},
		{"an optional argument field more", "service : { a : (record {}) -> () }", "service : { a : (record { b : opt nat }) -> () }", true},
		{"an argument field more", "service : { a : (record {}) -> () }", "service : { a : (record { b : nat }) -> () }", false},
		{"a result field more", "service : { a : () -> (record {}) }", "service : { a : () -> (record { b : nat }) }", true},
		{"a result tag more", "service : { a : () -> (variant { b }) }", "service : { a : () -> (variant { b; c }) }", false},
		{"a result tag more, under opt", "service : { a : () -> (opt variant { b }) }", "service : { a : () -> (opt variant { b; c }) }", true},
		{"an argument tag more", "service : { a : (variant { b }) -> () }", "service : { a : (variant { b; c }) -> () }", true},
		{"an argument that takes more", "service : { a : (nat) -> () }", "service : { a : (int) -> () }", true},
		{"an argument that takes less", "service : { a : (int) -> () }", "service : { a : (nat) -> () }", false},
		{"a query that became an update", "service : { a : () -> () query }", "service : { a : () -> () }", false},
		{
			"recursive types", "type L = opt record { nat; L }; service : { a : () -> (vec L) }",
			"type M = opt record { nat; M; text }; service : { a : () -> (vec M) }", true,
		},
		{
			"recursive variants that differ deep inside", "type L = variant { a; b : record { nat; L } }; service : { a : () -> (L) }",
			"type M = variant { a; b : record { nat; variant { a; b : record { text; M } } } }; service : { a : () -> (M) }", false,
		},
	} {
		old, err := Parse(c.old)
		if err != nil {
			t.Fatal(err)
		}
		renewed, err := Parse(c.renewed)
		if err != nil {
			t.Fatal(err)
		}
		if err := Compatible(old, renewed, false); (err == nil) != c.want {
			t.Errorf("%s: %v", c.name, err)
		}
	}
}

// TestStrictlyCompatible is about what Candid lets pass under opt.
func TestStrictlyCompatible(t *testing.T) {
	t.Parallel()
	for _, c := range []struct{ name, old, renewed, want string }{
		{"another option", "opt nat", "opt text", "text cannot be read as nat"},
		{"an option around it", "opt nat", "nat", ""},
		{"null for good", "opt nat", "null", ""},
		{"a tag more", "opt variant { a }", "opt variant { a; b : nat }", ""},
		{"a tag of another type", "opt variant { a : nat; b }", "opt variant { a : text; b }", "tag a: text cannot be read as nat"},
		{"another field inside", "opt record { a : nat; b : opt record { c : nat } }", "opt record { a : nat; b : opt record { c : bool } }", "field b: field c: bool cannot be read as nat"},
		{"recursive", "opt variant { a; b : List }; type List = opt record { nat; List }", "opt variant { a; b : List; c }; type List = opt record { nat; List; text }", ""},
	} {
		service := func(typ string) *Program {
			p, err := Parse("type T = " + typ + "; service : { m : () -> (T) }")
			if err != nil {
				t.Fatal(err)
			}
			return p
		}
		old, renewed := service(c.old), service(c.renewed)
		if err := Compatible(old, renewed, false); err != nil {
			t.Errorf("%s: by Candid's rules: %v", c.name, err)
		}
		err := Compatible(old, renewed, true)
		if c.want == "" && err != nil || c.want != "" && (err == nil || err.Error() != "method m: result 1: "+c.want) {
			t.Errorf("%s: strictly: %v, want %q", c.name, err, c.want)
		}
	}
}

// TestCompatibleSaysWhy checks that each broken method is named with the place and reason.
func TestCompatibleSaysWhy(t *testing.T) {
	t.Parallel()
	const old = `type Job = record { seq : nat64; state : variant { open; closed } };
		service : { submit : (record { key : blob; price : nat }) -> (Job); job : (nat64) -> (vec Job) query; gone : () -> (); fine : (nat) -> () }`
	const renewed = `type Job = record { seq : text; state : variant { open; closed; lost } };
		service : { submit : (record { key : blob; price : nat; tip : nat }) -> (Job); job : (nat32) -> (vec Job); fine : (int, opt text) -> (text) }`
	p, err := Parse(old)
	if err != nil {
		t.Fatal(err)
	}
	q, err := Parse(renewed)
	if err != nil {
		t.Fatal(err)
	}
	want := `method submit: argument 1: field tip is new and not opt: callers that do not know it cannot send it
method job: it was query and is update
method gone is gone`
	if diff := cmp.Diff(want, fmt.Sprint(Compatible(p, q, false))); diff != "" {
		t.Errorf("reasons (-want +got):\n%s", diff)
	}
	for _, c := range []struct{ t, u, want string }{
		{"vec record { a : nat32 }", "vec record { a : nat64 }", "in the vector: field a: nat32 cannot be read as nat64"},
		{"record {}", "record { a : nat }", "field a is gone, which readers need"},
		{"variant { a; b }", "variant { a }", "tag b is new, and readers that do not know it have no opt around it to read null"},
		{"func (nat) -> ()", "func (int) -> ()", "argument 1: callers send int, which nat does not take"},
		{"func (variant { a }) -> ()", "func (variant { a; b }) -> ()", "argument 1: tag b is gone, which callers may send"},
		{"func () -> ()", "func () -> (nat)", "result 1 is gone, which readers need"},
		{"service { a : () -> () }", "service { a : () -> (); b : () -> () }", "method b is gone"},
		{"func () -> () oneway", "func () -> ()", "it was update and is oneway"},
	} {
		p, err := Parse("type A = " + c.t + "; type B = " + c.u)
		if err != nil {
			t.Fatal(err)
		}
		a, _ := p.Lookup("A")
		b, _ := p.Lookup("B")
		if diff := cmp.Diff(c.want, fmt.Sprint(Subtype(p, a, p, b))); diff != "" {
			t.Errorf("%s <: %s (-want +got):\n%s", c.t, c.u, diff)
		}
	}
}

// FuzzParse checks that what parses prints as text that parses to the same.
func FuzzParse(f *testing.F) {
	for _, seed := range []string{
		"", "type A = record { text; opt nat; x : vec A; 7 : blob; \"two words\" : B; int8 }; type B = variant { a; b : func (c : A) -> () query }",
		"service : (nat, a : text) -> { b : (nat) -> (text) oneway; \"c d\" : () -> () }", "type A = service { a : () -> (A) }; service : A",
		"type A = record { \"\\u{2603}\\ff\\n\" : nat }", "/* */ // \n",
	} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, source string) {
		p, err := Parse(source)
		if err != nil {
			return
		}
		printed := p.Format()
		q, err := Parse(printed)
		if err != nil {
			t.Fatalf("printed text does not parse: %v\n%s", err, printed)
		}
		if diff := cmp.Diff(printed, q.Format()); diff != "" {
			t.Errorf("printed, parsed and printed (-first +second):\n%s", diff)
		}
	})
}
