// Package peak times what registers alone can do: the limit beside which benchmarks of the matrix kernels print their
// figures. Its loops load nothing; the fused one is the only fused multiply-add of the tree and computes nothing that
// anyone uses.
package peak

// Loop is an endless-looking chain of instructions over independent registers.
type Loop struct {
	Name string
	Unit string
	Work float64 // operations of one round
	Run  func(rounds int)
}

// Loops are those that this CPU can run.
func Loops() []Loop { return loops() }
