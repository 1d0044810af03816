// Command vectorgen writes the assembly of package kernel's vector functions, for AVX2, AVX-512, NEON and Wasm, and the
// Go functions that call it. Each function is described once, in functions.go, as the steps of its plain Go twin: the
// same constants, each product rounded before a sum, branches as blends. go generate runs it.
package main

import (
	"fmt"
	"os"
)

func main() {
	for name, content := range files() {
		if err := os.WriteFile(name, []byte(content), 0o644); err != nil {
			fmt.Fprintln(os.Stderr, err)
			os.Exit(1)
		}
	}
}

// files gives what the generated files hold.
func files() map[string]string {
	x86 := newText("amd64")
	x86.functions(avx2{}, avx512{})
	x86.constants(64)
	arm := newText("arm64")
	arm.functions(neon{})
	arm.constantTable()
	return map[string]string{
		"vector_amd64_gen.s":   x86.String(),
		"vector_arm64_gen.s":   arm.String(),
		"vector_amd64_gen.go":  wrappers("amd64", functions(), avx2{}, avx512{}),
		"vector_arm64_gen.go":  wrappers("arm64", functions(), neon{}),
		"vector_wasip1_gen.go": wrappers("wasip1 && !purego", wasmFunctions(), wasm{}),
		"vector_gen.wat":       wasmKernels(),
	}
}
