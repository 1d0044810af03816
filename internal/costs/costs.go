// Package costs is the cost ledger: what each canister's module weighs, what its methods
// cost in instructions and memory, committed in docs/costs.json and shown in docs/costs.md.
//
// Its test plays fixed scenarios on the embedded network, where counts repeat exactly, and
// fails on a rise of over 2 % that the same commit does not enter with a reason. Rewrite
// both files with
//
//	go test ./internal/costs -update -reason "why a figure may rise"
//
// Counts depend on the code that the Go compiler and its runtime bring along, so the
// figures are kept by minor version of Go.
package costs

import (
	"encoding/json"
	"fmt"
	"slices"
	"strings"
)

// Units of lines.
const (
	Instructions = "instructions" // of the most expensive message of a method
	Bytes        = "bytes"        // of a module
	HeapPages    = "heap pages"   // of 64 KiB, that the installation and then all methods together added
	StablePages  = "stable pages" // of 64 KiB, that a method's messages added
)

// Line is one figure.
type Line struct {
	Canister string `json:"canister"`
	What     string `json:"what"` // a method, or what of the canister
	Unit     string `json:"unit"`
	Value    uint64 `json:"value"`
	Reason   string `json:"reason,omitempty"` // why it rose the last time that it did
}

func (l Line) key() string { return l.Canister + " " + l.What + " " + l.Unit }

// Ledger holds the lines of each minor version of Go, such as "go1.26".
type Ledger map[string][]Line

// Parse reads docs/costs.json.
func Parse(b []byte) (Ledger, error) {
	var l Ledger
	if err := json.Unmarshal(b, &l); err != nil {
		return nil, fmt.Errorf("read the cost ledger: %w", err)
	}
	for version, lines := range l {
		seen := map[string]bool{}
		for _, line := range lines {
			if line.Canister == "" || line.What == "" || line.Unit == "" || seen[line.key()] {
				return nil, fmt.Errorf("read the cost ledger: %s: a line without a name, or a second one: %q", version, line.key())
			}
			seen[line.key()] = true
		}
	}
	return l, nil
}

// Encode writes docs/costs.json, a line of text for each line.
func (l Ledger) Encode() []byte {
	var b strings.Builder
	b.WriteString("{")
	for i, version := range sorted(l) {
		if i > 0 {
			b.WriteString(",")
		}
		fmt.Fprintf(&b, "\n  %q: [", version)
		for j, line := range l[version] {
			if j > 0 {
				b.WriteString(",")
			}
			text, err := json.Marshal(line)
			if err != nil {
				panic(err) // strings and a number
			}
			fmt.Fprintf(&b, "\n    %s", text)
		}
		b.WriteString("\n  ]")
	}
	b.WriteString("\n}\n")
	return []byte(b.String())
}

func sorted(l Ledger) (versions []string) {
	for v := range l {
		versions = append(versions, v)
	}
	slices.Sort(versions)
	return versions
}

// tolerance is how much a figure may rise without a word, in percent.
const tolerance = 2

// rose reports whether a figure is over the tolerance above what it was.
func rose(was, is uint64) bool { return is > was && (is-was)*100 > was*tolerance }

// Change is a line that is not as the ledger has it.
type Change struct {
	Now  Line
	Was  uint64
	New  bool // the ledger has no such line
	Rose bool // beyond the tolerance
}

// String is the change in words.
func (c Change) String() string {
	if c.New {
		return fmt.Sprintf("%s: %d, and the ledger has no such line", c.Now.key(), c.Now.Value)
	}
	return fmt.Sprintf("%s: %d, was %d (%+.1f %%)", c.Now.key(), c.Now.Value, c.Was, 100*(float64(c.Now.Value)/max(float64(c.Was), 1)-1))
}

// Compare lists how measured lines differ from the ledger's, and the lines that were not
// measured any more.
func Compare(ledger, measured []Line) (changes []Change, gone []Line) {
	old := index(ledger)
	for _, m := range measured {
		was, ok := old[m.key()]
		delete(old, m.key())
		if !ok || was.Value != m.Value {
			changes = append(changes, Change{Now: m, Was: was.Value, New: !ok, Rose: ok && rose(was.Value, m.Value)})
		}
	}
	for _, l := range ledger {
		if _, left := old[l.key()]; left {
			gone = append(gone, l)
		}
	}
	return changes, gone
}

func index(lines []Line) map[string]Line {
	m := make(map[string]Line, len(lines))
	for _, l := range lines {
		m[l.key()] = l
	}
	return m
}

// canisters that have lines: a new line of one of them has risen from nothing.
func canisters(lines []Line) map[string]bool {
	m := map[string]bool{}
	for _, l := range lines {
		m[l.Canister] = true
	}
	return m
}

// Update is the ledger's lines with the measured values. A line that rose gets the
// reason; without one that is an error, which names the lines.
func Update(ledger, measured []Line, reason string) ([]Line, error) {
	old, known, out := index(ledger), canisters(ledger), slices.Clone(measured)
	var risen []string
	for i := range out {
		was := old[out[i].key()]
		out[i].Reason = was.Reason
		if known[out[i].Canister] && rose(was.Value, out[i].Value) {
			out[i].Reason = reason
			risen = append(risen, Change{Now: out[i], Was: was.Value}.String())
		}
	}
	if len(risen) > 0 && reason == "" {
		return nil, fmt.Errorf("these lines rose, give a -reason:\n%s", strings.Join(risen, "\n"))
	}
	return out, nil
}

// Unexplained are lines of a new ledger that rose over an old one and give no reason of
// their own.
func Unexplained(old, new Ledger) (out []string) {
	for _, version := range sorted(new) {
		before, known := index(old[version]), canisters(old[version])
		for _, l := range new[version] {
			was := before[l.key()]
			if known[l.Canister] && rose(was.Value, l.Value) && (l.Reason == "" || l.Reason == was.Reason) {
				out = append(out, version+" "+Change{Now: l, Was: was.Value}.String())
			}
		}
	}
	return out
}

// Markdown is docs/costs.md.
func (l Ledger) Markdown() []byte {
	var b strings.Builder
	b.WriteString(heading)
	for _, version := range sorted(l) {
		fmt.Fprintf(&b, "\n## %s\n\n| canister | what | figure | unit | why it rose last |\n|---|---|---:|---|---|\n", version)
		for _, line := range l[version] {
			fmt.Fprintf(&b, "| %s | %s | %s | %s | %s |\n", line.Canister, line.What, grouped(line.Value), line.Unit, strings.ReplaceAll(line.Reason, "|", "\\|"))
		}
	}
	return []byte(b.String())
}

const heading = `# What canisters cost

Measured by ` + "`go test ./internal/costs`" + ` on the embedded network, with a fixed clock and fixed
random numbers, so the figures repeat exactly; they are the network's count, which follows the
Internet Computer's weights of instructions but was not compared with mainnet. A method's line is
its most expensive message in the scenario of ` + "`internal/costs`" + `; answers of other canisters have lines
of their own, "reply" or "reject" and the method that was called. Pages are of 64 KiB: of stable memory what
a method's messages added in all, of the heap what the installation added and then all methods together,
since which of them needs the next pages depends on what ran before. Where nothing was added there is no line.

A rise of over 2 % fails the test unless the commit enters it here with a reason
(` + "`go test ./internal/costs -update -reason \"…\"`" + `). Counts depend on the Go runtime, so they are kept by
minor version of Go. This file is generated from costs.json.
`

// grouped writes a number with thin groups of three digits.
func grouped(n uint64) string {
	s := fmt.Sprint(n)
	for i := len(s) - 3; i > 0; i -= 3 {
		s = s[:i] + " " + s[i:]
	}
	return s
}
