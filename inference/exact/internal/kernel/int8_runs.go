package kernel

import "slices"

// packByteGroups writes a panel of groups of two or four rows in assembly; nil where there is none for this CPU. rows are
// whole groups, and x is read and to is written as far as by [Set.PackInt8Runs].
var packByteGroups map[int]func(to, x *byte, rows *int, groups int, pieces *Run, n int, flip int)

// PackInt8Runs is [Packed.PackRuns] for 8-bit integers: it makes a matrix of n columns whose row i has in column j of a
// run the element x[rows[i] + From + j - To]. All columns have one zero point.
func (s *Set) PackInt8Runs(p *Int8Panels, x Bytes, rows []int, runs []Run, n int, zero int32) {
	p.K, p.N, p.group = len(rows), n, s.ints.group
	size, columns := p.Panels()*p.panelSize(), p.Panels()*panelWidth
	p.panels = slices.Grow(p.panels[:0], size+panelWidth*p.group)[:size+panelWidth*p.group]
	p.sums = slices.Grow(p.sums[:0], columns)[:columns]
	p.zeros = slices.Grow(p.zeros[:0], columns)[:columns]
	for j := range p.zeros {
		p.zeros[j] = zero - x.shift()
	}
	p.plain = zero == x.shift()
	if len(rows) == 0 || n == 0 {
		clear(p.sums)
		return
	}
	low, high := slices.Min(rows), slices.Max(rows)
	groups := slices.Clone(rows)
	for len(groups)%p.group > 0 { // what stands there meets zeros of A
		groups = append(groups, low)
	}
	var room [panelWidth]Run
	for q := range p.Panels() {
		var pieces []Run
		pieces, runs = cut(room[:0], runs, q*panelWidth, min((q+1)*panelWidth, n))
		for _, r := range pieces {
			_ = x.Data[low+r.From:][:high-low+panelWidth]
		}
		p.packGroups(q, &x, groups, pieces)
	}
	s.sumColumns(p)
}

func (p *Int8Panels) packGroups(q int, x *Bytes, rows []int, pieces []Run) {
	to := p.panels[q*p.panelSize():]
	_ = to[p.panelSize()+pieces[len(pieces)-1].To*p.group-1]
	if pack := packByteGroups[p.group]; pack != nil {
		pack(&to[0], &x.Data[0], &rows[0], len(rows)/p.group, &pieces[0], len(pieces), int(x.flip()))
		return
	}
	packGroupsGo(to, x.Data, rows, p.group, pieces, x.flip())
}

func packGroupsGo(to, x []byte, rows []int, group int, pieces []Run, flip byte) {
	for i, row := range rows {
		at := i/group*group*panelWidth + i%group
		for _, r := range pieces {
			from := x[row+r.From:]
			for j := range panelWidth - r.To {
				to[at+(r.To+j)*group] = from[j] ^ flip
			}
		}
	}
}

// sumColumns multiplies by a row of ones, where products by rows of this set ask for sums.
func (s *Set) sumColumns(p *Int8Panels) {
	if s.ints.form == wideRows {
		return // they have no first term
	}
	ones := make([]byte, p.steps()*p.group)
	for i := range p.K {
		ones[i] = 1
	}
	t := &intStrip{steps: p.steps(), a: ones, lda: len(ones), pitch: p.panelSize(), m: 1, width: 1, ldc: panelWidth}
	for q := range p.Panels() {
		t.b, t.c = p.panels[q*t.pitch:(q+1)*t.pitch], p.sums[q*panelWidth:(q+1)*panelWidth]
		s.ints.strip(t)
	}
}
