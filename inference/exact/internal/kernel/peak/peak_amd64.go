package peak

import "golang.org/x/sys/cpu"

//go:noescape
func mulAdd256(rounds int)

//go:noescape
func fused256(rounds int)

//go:noescape
func words256(rounds int)

//go:noescape
func mulAdd512(rounds int)

//go:noescape
func fused512(rounds int)

//go:noescape
func dots512(rounds int)

// chains is how many independent sums a loop has: enough to fill the pipes.
const chains = 12

func loops() []Loop {
	var list []Loop
	add := func(ok bool, name, unit string, work float64, run func(int)) {
		if ok {
			list = append(list, Loop{name, unit, float64(chains * work), run})
		}
	}
	add(cpu.X86.HasAVX2, "mul+add of 8", "GFLOP/s", 16, mulAdd256)
	add(cpu.X86.HasFMA, "fused of 8", "GFLOP/s", 16, fused256)
	add(cpu.X86.HasAVX2, "words of 16", "GOP/s", 32, words256)
	add(cpu.X86.HasAVX512F, "mul+add of 16", "GFLOP/s", 32, mulAdd512)
	add(cpu.X86.HasAVX512F, "fused of 16", "GFLOP/s", 32, fused512)
	add(cpu.X86.HasAVX512VNNI, "dot products of 64", "GOP/s", 128, dots512)
	return list
}
