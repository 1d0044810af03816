package main

import (
	"os"
	"path/filepath"
	"regexp"
	"strconv"
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

// No assembly of the package, generated or by hand, may fuse a multiply with an add.
func TestNothingIsFused(t *testing.T) {
	fused := regexp.MustCompile(`(?i)\bV?FN?M(ADD|SUB|LA|LS)\w*`)
	if !fused.MatchString("\tVFMADD231PS Y0, Y1, Y2") || !fused.MatchString("VFMLA V0.S4, V1.S4, V2.S4") {
		t.Fatal("the search is broken")
	}
	paths, err := filepath.Glob(filepath.Join("..", "*.s"))
	if err != nil || len(paths) < len(files()) {
		t.Fatalf("%d assembly files, error %v", len(paths), err)
	}
	for _, path := range paths {
		text, err := os.ReadFile(path)
		if err != nil {
			t.Fatal(err)
		}
		if found := fused.Find(text); found != nil {
			t.Errorf("%s has %s", path, found)
		}
	}
}

// Instructions written as bits are none that fuse floats: FMLA and FMLS, of vectors or by element, FMADD and its kin.
func TestNoWordIsFused(t *testing.T) {
	kinds := []struct{ mask, bits uint32 }{
		{0xbf20fc00, 0x0e20cc00}, {0xbf20fc00, 0x0ea0cc00}, {0xbf80f400, 0x0f801000}, {0xbf80f400, 0x0f805000}, {0xff000000, 0x1f000000},
	}
	isFused := func(w uint32) bool {
		for _, k := range kinds {
			if w&k.mask == k.bits {
				return true
			}
		}
		return false
	}
	for _, w := range []uint32{0x4e22cc20, 0x4ea2cc20, 0x4fa21020, 0x4f825820, 0x1f020c20} {
		if !isFused(w) {
			t.Fatalf("%#08x is not recognised", w)
		}
	}
	words := 0
	for name, text := range files() {
		for _, m := range regexp.MustCompile(`WORD \$(0x[0-9a-f]+)`).FindAllStringSubmatch(text, -1) {
			w, err := strconv.ParseUint(m[1], 0, 32)
			if err != nil {
				t.Fatal(err)
			}
			words++
			if isFused(uint32(w)) {
				t.Errorf("%s: %s is a fused multiply-add", name, m[1])
			}
		}
	}
	if words < 100 {
		t.Errorf("only %d instructions written as bits: the search is broken", words)
	}
}
