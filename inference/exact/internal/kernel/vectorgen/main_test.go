package main

import (
	"os"
	"path/filepath"
	"testing"
)

func TestFilesAreCurrent(t *testing.T) {
	for name, want := range files() {
		got, err := os.ReadFile(filepath.Join("..", name))
		if err != nil {
			t.Fatal(err)
		}
		if string(got) != want {
			t.Errorf("%s is not what this program writes: go generate ./inference/exact/internal/kernel", name)
		}
	}
}

// Registers are given out so that a value keeps its own until its last use: running the allocation symbolically must hand
// each instruction the operands that it names.
func TestAllocationKeepsValues(t *testing.T) {
	for _, target := range []target{avx2{}, avx512{}, neon{}} {
		for _, f := range functions() {
			b := f.build(target)
			b.interleave(target)
			holds := map[[2]int]*value{}
			class := map[*value]int{}
			allocate(b, target, func(i instruction, r registers) {
				for _, a := range i.args {
					if a.constant || a.pinned > 0 {
						continue
					}
					if holds[[2]int{class[a], r[a]}] != a {
						t.Errorf("%s %s: value %d is no longer in register %d", f.name, target.suffix(), a.id, r[a])
					}
				}
				if i.mask && target.masks() > 0 {
					class[i.dst] = 1
				}
				if at, ok := r[i.dst]; ok {
					holds[[2]int{class[i.dst], at}] = i.dst
				}
			})
		}
	}
}
