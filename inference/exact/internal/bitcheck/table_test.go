package main

import (
	"crypto/sha256"
	"fmt"
	"maps"
	"os"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

const tableFile = "../../../../docs/same-bits.md"

// docs/same-bits.md shows the hashes of the list.
func TestTable(t *testing.T) {
	want := table(readHashes(t))
	if *update {
		if err := os.WriteFile(tableFile, []byte(want), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	got, err := os.ReadFile(tableFile)
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(want, string(got)); diff != "" {
		t.Errorf("the table is not that of the hashes, which -update writes (-want +got):\n%s", diff)
	}
}

func table(hashes map[string][]string) string {
	var b strings.Builder
	b.WriteString(`# The same bits everywhere

SHA-256 over all outputs (name, type, shape and little-endian elements) of models on fixed inputs. The first column of hashes is
over the hashes of all inputs of a model; inference/exact/internal/bitcheck/testdata/hashes.json has each. Every target below
gives these bits, with every set of kernels that it has; a test compares them (` + "`go test ./inference/exact/internal/bitcheck`" + `),
and shows that a product which the compiler may fuse into its sum changes the hash on amd64 v3 and arm64. Emulators, Wasm and the
canister run fewer inputs of the large models. "sample" is a small transformer with random weights, "functions" every function and
reduction of the kernels alone, "doubles" the functions of float64, "decoder" the operators
of language models and a DFT, "tiny" the repository's own model; the others are published by third parties.

| model | hash | amd64, as the test runs: go, AVX2, AVX-512 where the CPU has it | built for amd64 v1 | for amd64 v3 | arm64 in qemu-user: go, NEON | Wasm in wazero: go, SIMD | Wasm without kernels | in a canister (canisters/replay): SIMD |
|---|---|---|---|---|---|---|---|---|
`)
	for _, name := range slices.SortedFunc(maps.Keys(hashes), func(a, b string) int { return strings.Compare(strings.ToLower(a), strings.ToLower(b)) }) {
		list := hashes[name]
		fmt.Fprintf(&b, "| %s | %.16s |", name, fmt.Sprintf("%x", sha256.Sum256([]byte(strings.Join(list, " ")))))
		for _, most := range []int{all, nativeInputs, nativeInputs, emulatedInputs, emulatedInputs, emulatedInputs} {
			n := len(list)
			if large[name] {
				n = min(n, most)
			}
			fmt.Fprintf(&b, " same, %d of %d |", n, len(list))
		}
		if m := slices.IndexFunc(realModels(), func(m realModel) bool { return m.name == name }); m >= 0 && realModels()[m].load == nil {
			b.WriteString(" |\n")
			continue
		}
		n := len(list)
		if large[name] {
			n = min(n, emulatedInputs)
		}
		fmt.Fprintf(&b, " same, %d of %d |\n", n, len(list))
	}
	return b.String()
}
