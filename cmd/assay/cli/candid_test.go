package cli

import (
	"bytes"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

const shopDid = `import "base.did";
// A shop.
type Order = record { item : text; count : nat; note : opt text };
service : (record { owner : principal }) -> {
  order : (Order) -> (variant { ok : Id; err : text });
  look : (Id) -> (opt Order) query;
}
`

// shop is a folder of interfaces.
func shop(t *testing.T) string {
	t.Helper()
	dir := t.TempDir()
	for name, content := range map[string]string{
		"shop.did": shopDid,
		"base.did": "type Id = nat64;\n",
		"grown.did": strings.NewReplacer("note : opt text", "note : opt text; gift : opt bool", "look :", "more : () -> ();\n  look :").
			Replace(shopDid),
		"broken.did":  strings.Replace(shopDid, "count : nat;", "count : nat8;", 1),
		"options.did": strings.Replace(shopDid, "note : opt text", "note : opt nat", 1),
		"ugly.did":    "type A=record{a:nat};// kept\n",
		"wrong.did":   "type A = B;\n",
	} {
		if err := os.WriteFile(filepath.Join(dir, name), []byte(content), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	return dir
}

func TestCandid(t *testing.T) {
	t.Parallel()
	dir := shop(t)
	for _, c := range []struct {
		name, args, stdin string // $ stands for the folder, ' for a blank inside an argument
		code              int
		want              string // part of stdout, or of stderr if the code is not 0
	}{
		{"encode at types", "encode --types (nat,text) (42,\"hi\")", "", 0, "4449444c00027d712a026869\n"},
		{"encode from stdin", "encode --types nat", "42", 0, "4449444c00017d2a\n"},
		{"encode bytes", "encode --binary --types nat 42", "", 0, "DIDL\x00\x01\x7d\x2a"},
		{"encode as JSON", "encode --json --types nat 42", "", 0, `"bytes": 8`},
		{"encode at a method", "encode --did $/shop.did --method look 7", "", 0, "4449444c0001780700000000000000\n"},
		{"encode for the constructor", "encode --did $/shop.did --init (record{owner=principal\"aaaaa-aa\"})", "", 0, "4449444c016c01b3b0dac3036801000100"},
		{"encode a result", "encode --did $/shop.did --method order --results (variant{ok=1})", "", 0, "4449444c"},
		{"encode at a type of the file", "encode --did $/shop.did --types Order (record{item=\"a\";count=1})", "", 0, "4449444c"},
		{"encode without types", "encode 42", "", exitUsage, "say the types"},
		{"encode at a method of no file", "encode --method look 42", "", exitUsage, "need --did"},
		{"encode at a method that is none", "encode --did $/shop.did --method lock 42", "", exitUnknown, "it has order, look"},
		{"encode at bad types", "encode --types nut 42", "", exitUsage, "no type is called nut"},
		{"encode a value that does not fit", "encode --types nat8 256", "", exitFailed, "256 is no nat8"},
		{"encode a field that is none", "encode --did $/shop.did --method order (record{item=\"a\";cuont=1})", "", exitFailed, "no field is called cuont"},
		{"encode at two kinds of types", "encode --types nat --init 42", "", exitUsage, "--init and --types cannot go together"},
		{"encode bytes as JSON", "encode --types nat --binary --json 42", "", exitUsage, "cannot go together"},
		{"encode two texts", "encode --types nat 4 2", "", exitUsage, "in quotes"},
		{"encode with a missing file", "encode --did $/none.did --method look 42", "", exitUnknown, "no such file"},

		{"decode without types", "decode 4449444c00017d2a", "", 0, "(42)\n"},
		{"decode at a method", "decode --did $/shop.did --method look 4449444c0001780700000000000000", "", 0, "(7)\n"},
		{"decode hexadecimal from stdin", "decode", "4449 444c\n00017d2a\n", 0, "(42)\n"},
		{"decode bytes from stdin", "decode --types nat", "DIDL\x00\x01\x7d\x2a", 0, "(42)\n"},
		{"decode as JSON", "decode --json --types (text,opt'nat8,record{nat;bool},variant{a;b:blob},principal,nat64)", "", 0, ""},
		{"decode what is no hexadecimal", "decode hello", "", exitUsage, "hexadecimal"},
		{"decode what is no message", "decode 00", "", exitFailed, "does not start with DIDL"},
		{"decode at another type", "decode --types text 4449444c00017d2a", "", exitFailed, "expected text, found nat"},

		{"check the same", "check $/shop.did $/shop.did", "", 0, "serves the clients"},
		{"check what has grown", "check --strict $/grown.did $/shop.did", "", 0, "serves the clients"},
		{"check backwards", "check $/shop.did $/grown.did", "", exitDoubt, "does not serve"},
		{"check what broke", "check $/broken.did $/shop.did --json", "", exitDoubt, "does not serve"},
		{"check options", "check $/options.did $/shop.did", "", 0, "serves the clients"},
		{"check options strictly", "check $/options.did $/shop.did --strict", "", exitDoubt, "does not serve"},
		{"check a file with a mistake", "check $/wrong.did $/shop.did", "", exitFailed, "no type is called B"},
		{"check one file", "check $/shop.did", "", exitUsage, "takes the new and the old"},

		{"format", "format $/ugly.did", "", 0, "type A = record { a : nat }; // kept\n"},
		{"format stdin", "format", "type A=nat", 0, "type A = nat\n"},
		{"format checks", "format --check $/shop.did $/ugly.did", "", exitDoubt, "1 of 2 files"},
		{"format checks what is fine", "format --check $/shop.did", "", 0, ""},
		{"format in place and check", "format -w --check $/shop.did", "", exitUsage, "cannot go together"},
		{"an unknown verb", "nonsense", "", exitUsage, "nonsense"},
		{"format a mistake", "format", "type = nat", exitFailed, "-: line 1:6: expected a name"},
		{"format stdin in place", "format -w", "type A = nat", exitUsage, "stdin"},

		{"generate to stdout", "gen $/shop.did", "", 0, "package shopapi\n"},
		{"generate with a mistake", "gen $/wrong.did", "", exitFailed, "no type is called B"},
		{"generate a package that is no name", "gen $/shop.did --pkg a-b", "", exitUsage, "no name for a Go package"},
		{"generate from nothing", "gen", "", exitUsage, "takes a .did file"},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			args := []string{"candid"}
			for _, arg := range strings.Fields(c.args) {
				args = append(args, strings.NewReplacer("$", dir, "'", " ").Replace(arg))
			}
			if c.name == "decode as JSON" {
				c.stdin, c.want = jsonCase(t)
			}
			code, stdout, stderr := runMain(t, c.stdin, args...)
			got := stdout
			if c.code != 0 {
				got = stderr
			}
			if code != c.code || !strings.Contains(got, c.want) {
				t.Errorf("exit code %d, want %d\nstdout %s\nstderr %s\nwant %q", code, c.code, stdout, stderr, c.want)
			}
		})
	}
}

func runMain(t *testing.T, stdin string, args ...string) (code int, stdout, stderr string) {
	t.Helper()
	var out, err bytes.Buffer
	code = Main(t.Context(), args, strings.NewReader(stdin), &out, &err)
	return code, out.String(), err.String()
}

// jsonCase is a message with a value of many forms and how it prints.
func jsonCase(t *testing.T) (message, want string) {
	t.Helper()
	_, msg, stderr := runMain(t, `("a", opt 7, record { 1; true }, variant { b = blob "\01\ff" }, principal "aaaaa-aa", 18446744073709551615)`,
		"candid", "encode", "--types", "(text, opt nat8, record { nat; bool }, variant { a; b : blob }, principal, nat64)")
	if stderr != "" {
		t.Fatal(stderr)
	}
	return msg, `"values": [
    "a",
    [
      7
    ],
    [
      "1",
      true
    ],
    {
      "b": "01ff"
    },
    "aaaaa-aa",
    "18446744073709551615"
  ]`
}

// TestCandidWrites is about the verbs that write files.
func TestCandidWrites(t *testing.T) {
	t.Parallel()
	dir := shop(t)
	out := filepath.Join(dir, "shopapi", "api_gen.go")
	if code, _, stderr := runMain(t, "", "candid", "gen", filepath.Join(dir, "shop.did"), "-o", out); code != 0 || !strings.Contains(stderr, "package shopapi") {
		t.Errorf("gen: exit code %d, %s", code, stderr)
	}
	if source, err := os.ReadFile(out); err != nil || !strings.Contains(string(source), "func EncodeOrderArgs(arg Order)") {
		t.Errorf("gen wrote %.200s, %v", source, err)
	}
	ugly := filepath.Join(dir, "ugly.did")
	if code, stdout, stderr := runMain(t, "", "candid", "format", "-w", ugly); code != 0 || stdout != "" {
		t.Errorf("format: exit code %d, %s%s", code, stdout, stderr)
	}
	if got, err := os.ReadFile(ugly); err != nil || string(got) != "type A = record { a : nat }; // kept\n" {
		t.Errorf("format wrote %q, %v", got, err)
	}
	code, stdout, _ := runMain(t, "", "candid", "check", "--json", filepath.Join(dir, "broken.did"), filepath.Join(dir, "shop.did"))
	if want := "method order: argument 1: field count: callers send nat, which nat8 does not take"; code != exitDoubt || !strings.Contains(stdout, want) {
		t.Errorf("check: exit code %d, %s, want %q", code, stdout, want)
	}
}

// TestCandidHelp checks that every verb shows an example.
func TestCandidHelp(t *testing.T) {
	t.Parallel()
	for _, verb := range []string{"gen", "encode", "decode", "check", "format"} {
		if code, stdout, _ := runMain(t, "", "candid", verb, "--help"); code != 0 || !strings.Contains(stdout, "Examples:\n  ") {
			t.Errorf("%s --help has no example:\n%s", verb, stdout)
		}
	}
}
