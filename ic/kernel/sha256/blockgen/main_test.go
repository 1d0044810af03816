package main

import (
	"os"
	"testing"
)

func TestNoDiff(t *testing.T) {
	t.Parallel()
	have, err := os.ReadFile("../block_gen.wat")
	if err != nil {
		t.Fatal(err)
	}
	if string(have) != source() {
		t.Error("block_gen.wat is not what blockgen writes: run go generate in ic/kernel/sha256")
	}
}

func TestConstants(t *testing.T) {
	t.Parallel()
	if k := constants(); k[0] != 0x428a2f98 || k[1] != 0x71374491 || k[63] != 0xc67178f2 {
		t.Errorf("constants %#x", k)
	}
}
