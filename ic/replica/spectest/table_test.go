package spectest_test

import (
	"maps"
	"slices"
	"testing"

	"assay/ic/principal"
)

// row is one behaviour: the section that asks for it, what is done and seen, and how.
type row struct {
	section, name string
	run           func(*world)
}

// area is the rows of one subject. Its rows share a network and run one after the
// other; areas run beside each other.
type area struct {
	document string                // of the specification
	admins   []principal.Principal // of its network
	rows     []row
}

var areas = map[string]area{}

// describe adds rows to an area.
func describe(name, document string, rows ...row) {
	a := areas[name]
	a.document, a.rows = document, append(a.rows, rows...)
	areas[name] = a
}

// administer gives the network of an area admins.
func administer(name string, admins ...principal.Principal) {
	a := areas[name]
	a.admins = admins
	areas[name] = a
}

// floor is how many behaviours there are at least. A table that lost its rows would
// pass.
const floor = 882

// check holds that rows can be told from each other.
func (a area) check(t *testing.T) {
	t.Helper()
	seen := map[string]bool{}
	for _, r := range a.rows {
		if r.section == "" || r.name == "" || seen[r.name] {
			t.Errorf("row %q has no section, or its name occurs twice", r.name)
		}
		seen[r.name] = true
	}
}

func TestBehaviours(t *testing.T) {
	total := 0
	for _, name := range slices.Sorted(maps.Keys(areas)) {
		a := areas[name]
		t.Logf("%4d behaviours of %s (%s)", len(a.rows), name, a.document)
		total += len(a.rows)
		a.check(t)
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			n := open(t, a.admins...)
			for _, r := range a.rows {
				t.Run(r.name, func(t *testing.T) {
					r.run(&world{net: n, T: t, section: a.document + ", " + r.section})
					n.checkBooks(t)
				})
			}
		})
	}
	t.Logf("%4d behaviours in all", total)
	if total < floor {
		t.Errorf("%d behaviours, fewer than %d: rows are missing", total, floor)
	}
}
