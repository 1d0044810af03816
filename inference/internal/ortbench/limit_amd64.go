package main

import (
	"fmt"
	"io"
	"time"

	"golang.org/x/sys/cpu"
)

//go:noescape
func multiplyAddAVX2(rounds int)

//go:noescape
func fusedAVX2(rounds int)

//go:noescape
func multiplyAddAVX512(rounds int)

//go:noescape
func fusedAVX512(rounds int)

// printLimit says what one core computes from registers alone: a product and an addition as two roundings, as the
// exact class must, and fused, as ONNX Runtime may. Nothing here computes an answer.
func printLimit(out io.Writer) {
	const vectors = 12 // products per round
	avx512 := cpu.X86.HasAVX512F && cpu.X86.HasAVX512DQ && cpu.X86.HasAVX512BW && cpu.X86.HasAVX512VL
	for _, limit := range []struct {
		name  string
		has   bool
		lanes int
		added func(rounds int)
		fused func(rounds int)
	}{
		{"avx2", cpu.X86.HasAVX2 && cpu.X86.HasFMA, 8, multiplyAddAVX2, fusedAVX2},
		{"avx512", avx512, 16, multiplyAddAVX512, fusedAVX512},
	} {
		if !limit.has {
			fmt.Fprintf(out, "limit of registers, %-6s: not run: the CPU lacks it\n", limit.name)
			continue
		}
		perRound := 2 * vectors * limit.lanes
		fmt.Fprintf(out, "limit of registers, %-6s: multiply and add %.0f GFLOP/s, fused %.0f GFLOP/s\n",
			limit.name, rate(limit.added, perRound), rate(limit.fused, perRound))
	}
}

// rate is the best of several tries, in GFLOP/s.
func rate(f func(rounds int), perRound int) float64 {
	const rounds, tries = 2_000_000, 7
	best := 0.0
	for range tries {
		start := time.Now()
		f(rounds)
		best = max(best, float64(rounds)*float64(perRound)/time.Since(start).Seconds()/1e9)
	}
	return best
}
