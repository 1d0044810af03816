package sidebyside

import (
	"fmt"
	"os/exec"
	"strings"
	"testing"
)

const heading = `# Go, Rust and Motoko side by side

The same five canisters behind the same interface, in Go with this kit, in Rust with ic-cdk 0.20.3 and
ic-stable-structures, and in Motoko 4.10.0 (32-bit memory, its core library, copying collector), played
through one scenario on the embedded network. Sources: ` + "`examples/counter`" + `, ` + "`pubsub`" + `, ` + "`awaitloop`" + `,
` + "`examples/sidebyside`" + `. The ledger is the part of ICRC-1 without allowances and deduplication. Written by

    ASSAY_SIDEBYSIDE=1 go test ./examples/sidebyside -update

and checked by ` + "`make prove PART=sidebyside`" + `; ` + "`go test`" + ` alone plays the counter in all three, because the
first build in Rust takes over a minute.

What the figures mean. Lines are neither empty nor comments; generated code, interfaces and build files do
not count. Instructions are those of a method's last message in the scenario, as this network counts them,
with the Internet Computer's weights; they were not compared with mainnet. "reply" and "reject" are the callbacks of
a call. Go's modules carry its runtime and scheduler, and each message pays for starting a goroutine and
for opening what stable memory holds: that is the price of awaiting in ordinary Go. Go and Rust keep their data in
stable memory all the time, Motoko keeps it in its heap and writes it out at an upgrade. A loop that
awaits is resumed after an upgrade without a stop in Go alone, which its test shows; by their documentation
Rust's callbacks would then point into memory that is gone, and Motoko refuses the upgrade. That was not run.

The page serves three assets, and a fourth for all other paths: whole, its headers alone and, for the three,
"not modified", with the same headers in each language. Request and response are certified (version 2 of response
verification), and every answer is checked as a gateway does it, against real certificates of this network. "put"
is the last of five and replaces a body of 190 bytes by one of 338; "http_request" is the GET of that. Go has its kit's
ic/cdk/http, which also does uploads in parts, ranges, streaming and upgrades to update calls; Rust has
ic-http-certification 4.0.1 and makes its tree anew after an upgrade. No library for it comes with Motoko's
compiler: SHA-256, tree and witnesses are written by hand in Certification.mo, 179 of the 268 lines, and without
decoding of escapes in paths.
`

// render is docs/side-by-side.md.
func render(t *testing.T, table map[string]row) []byte {
	t.Helper()
	var b strings.Builder
	b.WriteString(heading)
	rustc, err := exec.Command("rustc", "--version").Output()
	if err != nil {
		t.Fatal(err)
	}
	goVersion, err := exec.Command("go", "env", "GOVERSION").Output()
	if err != nil {
		t.Fatal(err)
	}
	fmt.Fprintf(&b, "\nMeasured with %s and %s.\n", strings.TrimSpace(string(goVersion)), strings.Join(strings.Fields(string(rustc))[:2], " "))
	b.WriteString("\n| canister | figure | Go | Rust | Motoko |\n|---|---|---:|---:|---:|\n")
	for _, e := range examples {
		line := func(what string, value func(row) uint64) {
			fmt.Fprintf(&b, "| %s | %s |", e.name, what)
			for _, language := range languages {
				fmt.Fprintf(&b, " %s |", grouped(value(table[e.name+language])))
			}
			b.WriteString("\n")
		}
		line("lines of code", func(r row) uint64 { return uint64(r.lines) })
		line("module, bytes", func(r row) uint64 { return uint64(r.raw) })
		line("module, gzip", func(r row) uint64 { return uint64(r.zipped) })
		for _, m := range e.methods {
			line(m+", instructions", func(r row) uint64 { return r.cost[m] })
		}
	}
	return []byte(b.String())
}

// grouped writes a number with groups of three digits.
func grouped(n uint64) string {
	s := fmt.Sprint(n)
	for i := len(s) - 3; i > 0; i -= 3 {
		s = s[:i] + " " + s[i:]
	}
	return s
}
