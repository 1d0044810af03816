package kernel

import "slices"

// Run says where columns of a matrix come from: those from To on, up to the next run, are neighbours from From on.
type Run struct{ To, From int }

// packPieces writes a panel of at least one row and piece, in assembly; nil where there is none for this CPU.
var packPieces func(to, x *float32, rows *int, depth int, pieces *Run, n int)

// PackRuns makes a matrix of at most [BlockDepth] rows, n columns wide: row i has in column j of a run the element
// x[rows[i] + From + j - To]. x must go on for 16 elements after the first of each run: they are read, and what is
// written of them beyond the run the next run, row or panel writes again, or it stands in columns that do not exist.
func (p *Packed) PackRuns(x []float32, rows []int, runs []Run, n int) {
	p.reset(len(rows), n)
	if len(rows) == 0 || n == 0 {
		return
	}
	low, high := slices.Min(rows), slices.Max(rows)
	var room [panelWidth]Run
	for q := range p.Panels() {
		var pieces []Run
		pieces, runs = cut(room[:0], runs, q*panelWidth, min((q+1)*panelWidth, n))
		to := p.panels[q*len(rows)*panelWidth:]
		_ = to[len(rows)*panelWidth+pieces[len(pieces)-1].To-1]
		for _, r := range pieces {
			_ = x[low+r.From:][:high-low+panelWidth]
		}
		if packPieces != nil {
			packPieces(&to[0], &x[0], &rows[0], len(rows), &pieces[0], len(pieces))
			continue
		}
		for i, row := range rows {
			for _, r := range pieces {
				copy(to[i*panelWidth+r.To:][:panelWidth], x[row+r.From:])
			}
		}
	}
}

// cut gives the pieces of runs that lie in columns [from, end), which the first run reaches, by their place from there
// on; and the runs that end later.
func cut(pieces, runs []Run, from, end int) (these, rest []Run) {
	for len(runs) > 1 && runs[1].To <= from {
		runs = runs[1:]
	}
	for _, r := range runs {
		if r.To >= end {
			break
		}
		skip := max(0, from-r.To)
		pieces = append(pieces, Run{r.To + skip - from, r.From + skip})
	}
	return pieces, runs
}
