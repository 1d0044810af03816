package kernel

import (
	"math"
	"slices"
	"testing"
)

func TestTapSumsMatchDefinition(t *testing.T) {
	r := noise(77)
	for _, set := range sets {
		t.Run(set.Name, func(t *testing.T) {
			for _, taps := range []int{1, 2, 9, 25, BlockDepth} {
				for _, n := range []int{0, TapGroup, 3 * TapGroup} {
					for turn := range 3 {
						x, weights := r.floats(n+200, turn == 1), r.floats(taps, turn == 2)
						offsets := make([]int, taps)
						for i := range offsets {
							offsets[i] = (i * 37) % 200
						}
						bias := []float32{float32(math.Copysign(0, -1)), 0.25, float32(math.Inf(-1))}[turn]
						got := make([]float32, n)
						set.TapSums(got, x, offsets, weights, bias)
						for j, v := range got {
							var want float32
							for i, w := range weights {
								want += float32(x[offsets[i]+j] * w)
							}
							if want = Canon(want + bias); math.Float32bits(v) != math.Float32bits(want) {
								t.Fatalf("%d taps, element %d of %d: %v, want %v", taps, j, n, v, want)
							}
						}
					}
				}
			}
		})
	}
}

func TestPackRunsMatchDefinition(t *testing.T) {
	r := noise(78)
	for n := range 70 {
		for _, depth := range []int{0, 1, 7, BlockDepth} {
			x := r.floats(2000, false)
			rows := make([]int, depth)
			for i := range rows {
				rows[i] = i * 53 % 900
			}
			var runs []Run
			for to := 0; to < n; to += 1 + int(r.next()%23) {
				runs = append(runs, Run{to, int(r.next() % 900)})
			}
			var p, want Packed
			p.PackRuns(x, rows, runs, n)
			want.PackRows(depth, n, func(i int, row []float32) {
				for k, run := range runs {
					end := n
					if k+1 < len(runs) {
						end = runs[k+1].To
					}
					copy(row[run.To:end], x[rows[i]+run.From:])
				}
			})
			for i := range depth {
				for j := range n {
					at := j/panelWidth*depth*panelWidth + i*panelWidth + j%panelWidth
					if p.panels[at] != want.panels[at] {
						t.Fatalf("%d × %d: element %d, %d is %v, want %v", depth, n, i, j, p.panels[at], want.panels[at])
					}
				}
			}
		}
	}
}

func TestStridedRowsMatchDefinition(t *testing.T) {
	r := noise(79)
	for n := range 40 {
		for stride := 1; stride < 4; stride++ {
			for rows := range 4 {
				toStride, xStride := n+int(r.next()%3), max(1, n*stride-int(r.next()%2))
				x := r.floats(max(0, (rows-1)*xStride+(n-1)*stride+1), false)
				got, want := make([]float32, rows*toStride), make([]float32, rows*toStride)
				StridedRows(got, toStride, x, xStride, rows, n, stride)
				for i := range rows {
					for j := range n {
						want[i*toStride+j] = x[i*xStride+j*stride]
					}
				}
				if !slices.Equal(got, want) {
					t.Fatalf("%d rows of %d by %d: %v, want %v", rows, n, stride, got, want)
				}
			}
		}
	}
}
