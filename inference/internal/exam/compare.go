package exam

import (
	"bytes"
	"fmt"
	"math"
	"slices"
)

// Tolerance is that of the ONNX suite: a float may be off by Absolute plus Relative times the expected value.
type Tolerance struct{ Relative, Absolute float64 }

// Compare says what is wrong with got: type, shape, or the first element outside the tolerance. NaN equals NaN, an
// infinity only itself, and what is not a float only itself. bfloat16 gets two units in its last place, as the
// suite's own runner gives it.
func Compare(got, want *Value, tolerance Tolerance) error {
	if err := sameShape(got, want); err != nil {
		return err
	}
	expected, ok := want.Floats()
	if !ok {
		return compareBytes(got, want)
	}
	if want.DType == bfloat16Type {
		tolerance.Relative = max(tolerance.Relative, 1.0/64)
	}
	found, _ := got.Floats()
	wrong, first, worst := 0, -1, 0.0
	for i, w := range expected {
		g := found[i]
		if g == w || g != g && w != w || !math.IsInf(w, 0) && math.Abs(g-w) <= tolerance.Absolute+tolerance.Relative*math.Abs(w) {
			continue
		}
		wrong++
		if first < 0 {
			first = i
		}
		worst = max(worst, math.Abs(g-w))
	}
	if wrong == 0 {
		return nil
	}
	return fmt.Errorf("element %d of %v is %v, want %v; %d of %d are wrong, by %.3g at most",
		first, want.Shape, found[first], expected[first], wrong, len(expected), worst)
}

func sameShape(got, want *Value) error {
	if got.DType != want.DType || !slices.Equal(got.Shape, want.Shape) {
		return fmt.Errorf("is type %d of shape %v, want type %d of shape %v", got.DType, got.Shape, want.DType, want.Shape)
	}
	return nil
}

func compareBytes(got, want *Value) error {
	if len(got.Raw) != len(want.Raw) {
		return fmt.Errorf("holds %d bytes, want %d", len(got.Raw), len(want.Raw))
	}
	if bytes.Equal(got.Raw, want.Raw) {
		return nil
	}
	size := max(1, bits[int32(want.DType)]/8)
	for i := 0; i < len(want.Raw); i += size {
		g, w := got.Raw[i:i+size], want.Raw[i:i+size]
		if !bytes.Equal(g, w) && !(size == 1 && nan8(int32(want.DType), g[0]) && nan8(int32(want.DType), w[0])) {
			return fmt.Errorf("element %d of %v is %v, want %v (little-endian bytes)", i/size, want.Shape, g, w)
		}
	}
	return nil
}

// nan8 tells the NaNs of the eight-bit floats.
func nan8(dtype int32, x byte) bool {
	switch dtype {
	case float8E4M3:
		return x&0x7f == 0x7f
	case float8E4M3Z, float8E5M2Z:
		return x == 0x80
	case float8E5M2:
		return x&0x7f > 0x7c
	case float8E8M0:
		return x == 0xff
	}
	return false
}
