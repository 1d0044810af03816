package kernel

import (
	"bytes"
	"fmt"
	"math"
	"slices"
	"testing"
)

func TestInt8RunsMatchDefinition(t *testing.T) {
	for _, k := range intSets() {
		t.Run(k.Name, func(t *testing.T) {
			for n := range 70 {
				for kind, depth := range []int{0, 1, 2, 3, 5, 8, 30, 259} {
					checkInt8Runs(t, k, depth, n, kind)
				}
			}
		})
	}
}

func checkInt8Runs(t *testing.T, k *Set, depth, n, kind int) {
	t.Helper()
	const m = 3
	s := noise(n*1009 + depth)
	a, x := s.bytes(m, depth, kind&1 != 0, false), s.bytes(1, 2000, kind&2 != 0, false)
	aZeros, zero := s.zeros(kind%3, m, a.Signed), s.zeros(1, 1, x.Signed)
	from := make([]int, depth)
	for i := range from {
		from[i] = i * 53 % 900
	}
	var runs []Run
	for to := 0; to < n; to += 1 + int(s.next()%23) {
		runs = append(runs, Run{to, int(s.next() % 900)})
	}
	b := Bytes{Data: make([]byte, depth*n), Signed: x.Signed, RowStride: n, ColumnStride: 1}
	for i := range depth {
		for j := range n {
			r, _ := slices.BinarySearchFunc(runs, j+1, func(r Run, j int) int { return r.To - j })
			b.Data[i*n+j] = x.Data[from[i]+runs[r-1].From+j-runs[r-1].To]
		}
	}
	var rows Int8Rows
	var panels Int8Panels
	k.PackInt8Rows(&rows, a, m, depth, aZeros)
	k.PackInt8(&panels, s.bytes(n, depth, true, false), n, depth, nil) // old contents must not matter
	k.PackInt8Runs(&panels, x, from, runs, n, zero[0])
	got := make([]int32, m*n)
	k.MultiplyInt8(got, n, &rows, &panels, 0, m, 0, panels.Panels(), nil)
	if want := plainInt8(a, b, m, depth, n, aZeros, zero); !slices.Equal(got, want) {
		t.Fatalf("%s %d×%d kind %d: %v, want %v", k.Name, depth, n, kind, got, want)
	}
}

// The assembly leaves in a panel what plain Go does.
func TestInt8PackGroups(t *testing.T) {
	for group, pack := range packByteGroups {
		s := noise(group)
		for turn := range 200 {
			steps := 1 + turn%7
			x, rows := s.bytes(1, 3000, true, false).Data, make([]int, steps*group)
			for i := range rows {
				rows[i] = int(s.next() % 900)
			}
			var pieces []Run
			for to := 0; to < panelWidth; to += 1 + int(s.next()%16) {
				pieces = append(pieces, Run{to, int(s.next() % 900)})
			}
			flip := byte(turn%2) << 7
			got, want := make([]byte, (steps+1)*group*panelWidth), make([]byte, (steps+1)*group*panelWidth)
			pack(&got[0], &x[0], &rows[0], steps, &pieces[0], len(pieces), int(flip))
			packGroupsGo(want, x, rows, group, pieces, flip)
			if whole := steps * group * panelWidth; !bytes.Equal(got[:whole], want[:whole]) {
				t.Fatalf("groups of %d: %x, want %x", group, got[:whole], want[:whole])
			}
		}
	}
}

func TestRequantise(t *testing.T) {
	s := noise(6)
	for _, k := range sets {
		for n := range 70 {
			for _, factor := range []float32{0.5, 1, 1e-3, -0.25, 3e38, 0, float32(math.Inf(1)), float32(math.NaN())} {
				sums, bias := make([]int32, n), int32(s.next())>>(n%32)
				for i := range sums {
					sums[i] = int32(s.next()) >> (i % 32)
				}
				for _, signed := range []bool{false, true} {
					zero := int32(s.next() >> 24)
					if signed {
						zero -= 128
					}
					got, want := make([]byte, n), make([]byte, n)
					k.Requantise(got, signed, sums, bias, factor, zero)
					for i, sum := range sums {
						want[i] = plainRequantise(signed, sum+bias, factor, zero)
					}
					if !bytes.Equal(got, want) {
						t.Fatal(fmt.Sprint(k.Name, signed, factor, bias, zero, sums, got, want))
					}
				}
			}
		}
	}
}

func plainRequantise(signed bool, sum int32, factor float32, zero int32) byte {
	low, high := 0.0, 255.0
	if signed {
		low, high = -128, 127
	}
	v := math.RoundToEven(float64(float32(float32(sum) * factor)))
	if math.IsNaN(v) {
		v = 0
	}
	return byte(int32(min(max(v+float64(zero), low), high)))
}
