package did

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

func TestPretty(t *testing.T) {
	t.Parallel()
	for _, c := range []struct{ name, source, want string }{
		{"nothing", " \n\n", ""},
		{"spaces", `type A=record{a:nat;b :opt   text};type B=variant{};`, "type A = record { a : nat; b : opt text }; type B = variant {};\n"},
		{"comments and blank lines", "\n// one\n\n\n\ntype A = nat ;  // two  \n/* three\n   four */ type B = A;", "// one\n\ntype A = nat; // two\n/* three\n   four */ type B = A;\n"},
		{
			"indents", "type A = record {\na : nat;\n      // inside\n b : record {\nc : text };\n};\nservice : (A) -> {\n\tm : (record {\n x : nat;\n}) -> ( );\n }",
			"type A = record {\n  a : nat;\n  // inside\n  b : record {\n    c : text };\n};\nservice : (A) -> {\n  m : (record {\n    x : nat;\n  }) -> ();\n}\n",
		},
		{"a definition over two lines", "type A =\nvariant {\na;\nb };\ntype B = nat", "type A =\n  variant {\n    a;\n    b };\ntype B = nat\n"},
		{"strings keep their escapes", `type A = record { "a\u{2603} // b" : nat }`, "type A = record { \"a\\u{2603} // b\" : nat }\n"},
		{"imports need not be there", `import   "nowhere.did"`, "import \"nowhere.did\"\n"},
	} {
		got, err := Pretty(c.source)
		if err != nil {
			t.Errorf("%s: %v", c.name, err)
			continue
		}
		if diff := cmp.Diff(c.want, got); diff != "" {
			t.Errorf("%s (-want +got):\n%s", c.name, diff)
		}
		if again, err := Pretty(got); err != nil || again != got {
			t.Errorf("%s: formatted twice: %v\n%s", c.name, err, again)
		}
	}
	if _, err := Pretty("type A = record { a : }"); err == nil || !strings.Contains(err.Error(), "line 1:") {
		t.Errorf("a mistake: %v", err)
	}
}

// TestRepositoryIsFormatted holds the tree's interfaces to what Pretty writes.
func TestRepositoryIsFormatted(t *testing.T) {
	t.Parallel()
	files, err := filepath.Glob("../../../canisters/*/*.did")
	if err != nil || len(files) == 0 {
		t.Fatalf("no .did files: %v", err)
	}
	for _, file := range files {
		source, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		got, err := Pretty(string(source))
		if err != nil {
			t.Errorf("%s: %v", file, err)
		} else if diff := cmp.Diff(got, string(source)); diff != "" {
			t.Errorf("%s is not as `assay candid format -w` leaves it (-want +got):\n%s", file, diff)
		}
	}
}

func TestParseTypes(t *testing.T) {
	t.Parallel()
	p, err := Parse("type Job = record { id : nat }")
	if err != nil {
		t.Fatal(err)
	}
	for source, want := range map[string]string{"(nat, opt Job)": "nat, opt Job", "vec Job": "vec Job", "()": ""} {
		types, err := p.ParseTypes(source)
		var got []string
		for _, typ := range types {
			got = append(got, TypeText(typ))
		}
		if err != nil || strings.Join(got, ", ") != want {
			t.Errorf("%s: %q, %v", source, got, err)
		}
	}
	for source, want := range map[string]string{"(nat": "the end", "Jobs": "no type is called Jobs", "nat nat": "expected the end", "": "expected a type"} {
		if _, err := p.ParseTypes(source); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%s: error %v, want %q", source, err, want)
		}
	}
}

// FuzzPretty checks that formatting keeps the tokens and is done after the first time.
func FuzzPretty(f *testing.F) {
	for _, seed := range []string{
		"", "type A=record{a:nat;// b\n}; /* c /* d */ */ service:{m:()->()query}", "type A =\nopt\nnat;", "import \"x\"\n;type A = record { \"\\\"\" : nat; 7 : text }",
		"service : A;", "type A = func\n()\n->\n(nat)\n; // end",
	} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, source string) {
		once, err := Pretty(source)
		if err != nil {
			if _, wrong := parseFile(source); wrong == nil {
				t.Fatalf("%q parses but is not formatted: %v", source, err)
			}
			return
		}
		if twice, err := Pretty(once); err != nil || twice != once {
			t.Errorf("%q formatted is %q, twice %q, %v", source, once, twice, err)
		}
	})
}
