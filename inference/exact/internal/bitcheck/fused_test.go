package main

import (
	"debug/elf"
	"encoding/binary"
	"encoding/json"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
)

// symbols gives the machine code of every function whose name starts so.
func symbols(t *testing.T, file, prefix string) map[string][]byte {
	t.Helper()
	f, err := elf.Open(file)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	list, err := f.Symbols()
	if err != nil {
		t.Fatal(err)
	}
	out := map[string][]byte{}
	for _, s := range list {
		if elf.ST_TYPE(s.Info) != elf.STT_FUNC || !strings.HasPrefix(s.Name, prefix) || int(s.Section) >= len(f.Sections) {
			continue
		}
		section := f.Sections[s.Section]
		code := make([]byte, s.Size)
		if _, err := section.ReadAt(code, int64(s.Value-section.Addr)); err != nil {
			t.Fatalf("%s: %v", s.Name, err)
		}
		out[s.Name] = code
	}
	return out
}

// fusedARM64 are the encodings of instructions that multiply and add with one rounding, as mask and value.
var fusedARM64 = [][2]uint32{
	{0xff000000, 0x1f000000}, // FMADD, FMSUB, FNMADD, FNMSUB
	{0xbfa0fc00, 0x0e20cc00}, // FMLA of vectors
	{0xbfa0fc00, 0x0ea0cc00}, // FMLS of vectors
	{0xbf80f400, 0x0f801000}, // FMLA by element
	{0xbf80f400, 0x0f805000}, // FMLS by element
	{0xdf80f400, 0x5f801000}, // FMLA of scalars by element
	{0xdf80f400, 0x5f805000}, // FMLS of scalars by element
	{0xbfe0fc00, 0x0e400c00}, // FMLA of half precision
	{0xbfe0fc00, 0x0ec00c00}, // FMLS of half precision
	{0xbfa0fc00, 0x0e20ec00}, // FMLAL, FMLSL
	{0xbf20e400, 0x2e00c400}, // FCMLA
}

func hasFusedARM64(code []byte) bool {
	for i := 0; i+4 <= len(code); i += 4 {
		w := binary.LittleEndian.Uint32(code[i:])
		for _, m := range fusedARM64 {
			if w&m[0] == m[1] {
				return true
			}
		}
	}
	return false
}

// fusedOpcode tells the opcodes of VFMADD and its kin, which fill three columns of the 0F38 table.
func fusedOpcode(op byte) bool {
	return op>>4 >= 9 && op>>4 <= 0xb && op&15 >= 6
}

// hasFusedAMD64 looks for a VEX or EVEX prefix of the 0F38 table with such an opcode at every byte, as the lengths of
// instructions are not known: it may find too much, never too little.
func hasFusedAMD64(code []byte) bool {
	for i := range code {
		c := code[i:]
		switch {
		case len(c) >= 5 && c[0] == 0xc4 && c[1]&0x1f == 2 && c[2]&3 == 1 && fusedOpcode(c[3]):
			return true
		case len(c) >= 6 && c[0] == 0x62 && c[1]&0x0f == 2 && c[2]&7 == 5 && fusedOpcode(c[4]):
			return true
		}
	}
	return false
}

// On arm64 and on amd64 from v3 on, the compiler fuses a product into the sum that it feeds unless the product is
// converted explicitly. Whatever the source looks like, no such instruction may be in the executor, compiled or in
// assembly.
func TestNothingIsFused(t *testing.T) {
	if testing.Short() {
		t.Skip("builds for other machines")
	}
	t.Parallel()
	for _, c := range []struct {
		goarch, level string
		fused         func([]byte) bool
	}{{"arm64", "GOARM64=v8.0", hasFusedARM64}, {"amd64", "GOAMD64=v1", hasFusedAMD64}, {"amd64", "GOAMD64=v3", hasFusedAMD64}} {
		t.Run(c.goarch+" "+c.level, func(t *testing.T) {
			t.Parallel()
			plain, broken := build(t, "linux", c.goarch, c.level), build(t, "linux", c.goarch, c.level, "-overlay="+unwrapped(t))
			ours := symbols(t, plain, "assay/inference/")
			for name, code := range ours {
				if c.fused(code) {
					t.Errorf("fused multiply-add in %s", name)
				}
			}
			if len(ours) < 200 || ours["assay/inference/exact/internal/kernel.pairGo"] == nil {
				t.Errorf("only %d functions, or the wrong ones", len(ours))
			}
			found := c.fused(symbols(t, broken, "assay/inference/exact/internal/kernel.pairGo")["assay/inference/exact/internal/kernel.pairGo"])
			if want := c.level != "GOAMD64=v1"; found != want {
				t.Errorf("a product that is not converted: fused %t, want %t", found, want)
			}
		})
	}
}

const productLoop = "inference/exact/internal/kernel/product_go_gen.go"

// unwrapped is an overlay for the compiler in which the loop of products lacks its conversions.
func unwrapped(t *testing.T) string {
	t.Helper()
	path, err := filepath.Abs(filepath.Join("../../../..", productLoop))
	if err != nil {
		t.Fatal(err)
	}
	source, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	conversion := regexp.MustCompile(`(\+= )float32\(([^()\n]* \* [^()\n]*)\)`)
	if n := len(conversion.FindAll(source, -1)); n < 16 {
		t.Fatalf("%d conversions in %s, want 16 or more", n, productLoop)
	}
	broken := filepath.Join(t.TempDir(), "product_go_gen.go")
	if err := os.WriteFile(broken, conversion.ReplaceAll(source, []byte("$1$2")), 0o644); err != nil {
		t.Fatal(err)
	}
	overlay, err := json.Marshal(map[string]map[string]string{"Replace": {path: broken}})
	if err != nil {
		t.Fatal(err)
	}
	file := filepath.Join(t.TempDir(), "overlay.json")
	if err := os.WriteFile(file, overlay, 0o644); err != nil {
		t.Fatal(err)
	}
	return file
}

// The hashes would tell: without the conversions in the loop of products the sample model hashes to something else
// where the compiler fuses, and to the same where it cannot.
func TestHashesNoticeFusing(t *testing.T) {
	if testing.Short() {
		t.Skip("builds for other machines")
	}
	t.Parallel()
	golden := readHashes(t)[sampleName][0]
	for _, c := range []struct {
		goarch, level, arch string
		same                bool
	}{{"amd64", "GOAMD64=v1", "x86_64", true}, {"amd64", "GOAMD64=v3", "x86_64", false}, {"arm64", "GOARM64=v8.0", "aarch64", false}} {
		t.Run(c.goarch+" "+c.level, func(t *testing.T) {
			t.Parallel()
			broken := build(t, "linux", c.goarch, c.level, "-overlay="+unwrapped(t))
			got := strings.TrimSpace(output(t, program(t, broken, c.arch, "sample", "go"), nil))
			if (got == "go "+golden) != c.same {
				t.Errorf("hash %s, the right one is %s", got, golden)
			}
		})
	}
}
