//go:build !wasip1

package kernel

import (
	"encoding/binary"
	"fmt"
	"math"
	"os"
	"path/filepath"
	"reflect"
	"slices"
	"testing"
	"unsafe"

	"github.com/tetratelabs/wazero"
	"github.com/tetratelabs/wazero/api"

	"assay/ic/wasm/module"
	"assay/ic/wasm/wat"
)

// bench runs the kernels in .wat files alone, without Go around them. What they work on lies at the end of memory.
type bench struct {
	t       testing.TB
	memory  api.Memory
	kernels map[string]api.Function
	free    uint32
}

const benchPages = 64

func newBench(t testing.TB) *bench {
	t.Helper()
	files, err := filepath.Glob("*.wat")
	if err != nil || len(files) != 5 {
		t.Fatalf("%d files of kernels, error %v", len(files), err)
	}
	ctx := t.Context()
	r := wazero.NewRuntime(ctx)
	t.Cleanup(func() { r.Close(ctx) })
	owner := &module.Module{Memories: []module.Limits{{Min: benchPages}}, Exports: []module.Export{{Name: wat.MemoryName, Kind: module.KindMemory}}}
	o, err := r.InstantiateWithConfig(ctx, owner.Encode(), wazero.NewModuleConfig().WithName(wat.MemoryModule))
	if err != nil {
		t.Fatal(err)
	}
	b := &bench{t: t, memory: o.Memory(), kernels: map[string]api.Function{}}
	for _, file := range files {
		source, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		m, err := wat.Assemble(source)
		if err != nil {
			t.Fatalf("%s:%v", file, err)
		}
		inst, err := r.InstantiateWithConfig(ctx, m.Encode(), wazero.NewModuleConfig().WithName(file))
		if err != nil {
			t.Fatalf("%s: %v", file, err)
		}
		for _, e := range m.Exports {
			b.kernels[e.Name] = inst.ExportedFunction(e.Name)
		}
	}
	return b
}

func (b *bench) reset() { b.free = benchPages << 16 }

func (b *bench) call(name string, args ...uint64) uint64 {
	b.t.Helper()
	results, err := b.kernels["exact_"+name].Call(b.t.Context(), args...)
	if err != nil {
		b.t.Fatalf("%s: %v", name, err)
	}
	if len(results) == 0 {
		return 0
	}
	return results[0]
}

// bytesOf is the memory of a slice.
func bytesOf[T any](x []T) []byte {
	return unsafe.Slice((*byte)(unsafe.Pointer(unsafe.SliceData(x))), len(x)*int(unsafe.Sizeof(*new(T))))
}

// put copies a slice into memory, below what was put before.
func put[T any](b *bench, x []T) uint64 {
	raw := bytesOf(x)
	b.free -= uint32(len(raw))
	b.memory.Write(b.free, raw)
	return uint64(b.free)
}

// take copies a slice back.
func take[T any](b *bench, x []T, from uint64) {
	raw := bytesOf(x)
	at, _ := b.memory.Read(uint32(from), uint32(len(raw)))
	copy(raw, at)
}

// set is a set of kernels like that of Wasm.
func (b *bench) set() *Set {
	one := func(int) int { return 1 }
	return &Set{
		Name: "wasm", product: productKernel{b.strip, one}, ints: intKernel{2, wideRows, b.intStrip, one, b.pairs}, blocks: b.blocks,
		floats: b.dequantise, bytes: byteKernel{b.widen, flipGo, b.magnitude, b.quantise, b.rescale, requantiseGo}, taps: tapsGo, scaled: b.scaled, Vectors: b.vectors(),
	}
}

func (b *bench) strip(s *strip) {
	b.reset()
	end := (s.m-1)*s.ldc + panelWidth
	at, bt, ct := put(b, s.a[:(s.m-1)*s.lda+s.k]), put(b, s.b[:(s.k-1)*s.ldb+panelWidth]), put(b, s.c[:end])
	add := uint64(0)
	if s.add {
		add = 1
	}
	for i := 0; i < s.m; i += 4 {
		tile := put(b, []uint64{ct + uint64(4*i*s.ldc), uint64(4 * s.ldc), at + uint64(4*i*s.lda), uint64(4 * s.lda), bt, uint64(4 * s.ldb), 0, uint64(s.k), add})
		b.call(fmt.Sprint("product", min(4, s.m-i)), tile)
	}
	take(b, s.c[:end], ct)
}

func (b *bench) intStrip(s *intStrip) {
	b.reset()
	end := (s.m-1)*s.ldc + panelWidth
	at, bt, ct := put(b, s.a[:s.m*s.lda]), put(b, s.b[:s.pitch]), put(b, s.c[:end])
	add, terms, sums, zeros := uint64(0), uint64(0), uint64(0), uint64(0)
	if s.terms != nil {
		add, terms, sums, zeros = 1, put(b, s.terms[:2*s.m]), put(b, s.sums[:panelWidth]), put(b, s.zeros[:panelWidth])
	}
	for i := 0; i < s.m; i += 4 {
		tile := put(b, []uint64{
			ct + uint64(4*i*s.ldc), uint64(4 * s.ldc), at + uint64(i*s.lda), uint64(s.lda), bt, 0, 0, uint64(s.steps), add, 0,
			terms + uint64(8*i), sums, zeros,
		})
		b.call(fmt.Sprint("words", min(4, s.m-i)), tile)
	}
	take(b, s.c[:end], ct)
}

func (b *bench) pairs(panel []byte, sums []int32, from []byte, stride int, flip byte) {
	b.reset()
	steps := len(panel) / (2 * panelWidth)
	at, to, st := put(b, from[:(2*steps-1)*stride+panelWidth]), put(b, panel), put(b, sums)
	b.call("pairs", to, at, uint64(stride), uint64(steps), st, uint64(flip))
	take(b, panel, to)
	take(b, sums, st)
}

func (b *bench) blocks(s *blockStrip) {
	b.reset()
	end := (s.m-1)*s.ldc + panelWidth
	w, q, scales, sums := put(b, s.panel), put(b, s.q[:s.m*s.blocks*s.block]), put(b, s.scales[:s.m*s.blocks]), put(b, s.sums[:s.m*s.blocks])
	ct := put(b, s.c[:end])
	for i := 0; i < s.m; i += 2 {
		at := uint64(i * s.blocks)
		tile := put(b, []uint64{
			ct + uint64(4*i*s.ldc), uint64(4 * s.ldc), q + at*uint64(s.block), uint64(s.blocks * s.block), scales + 4*at, uint64(4 * s.blocks),
			sums + 4*at, w, uint64(s.blocks), uint64(s.block * s.bits / 32),
		})
		b.call(fmt.Sprintf("blocks%dx%d", s.bits, min(2, s.m-i)), tile)
	}
	take(b, s.c[:end], ct)
}

func (b *bench) dequantise(out []float32, w []byte, block, bits int) {
	b.reset()
	at, to := put(b, w), put(b, out)
	size := block*panelWidth*bits/8 + 5*panelWidth
	if len(w) > 0 {
		b.call(fmt.Sprint("dequantised", bits), to, at, uint64(len(w)/size), uint64(block*bits/32))
	}
	take(b, out, to)
}

func (b *bench) scaled(panel []float32, from []byte, stride int, c *scaledColumns) {
	b.reset()
	rows := len(panel) / panelWidth
	at, to := put(b, from[:(rows-1)*stride+panelWidth]), put(b, panel)
	b.call("widened", to, at, uint64(stride), uint64(rows), put(b, c.scales[:]), put(b, c.zeros[:]), uint64(c.flip))
	take(b, panel, to)
}

func (b *bench) widen(to, from []byte, flip byte, zero int32) (sum int32) {
	b.reset()
	n := len(from) &^ 15
	at, result := put(b, from[:n]), put(b, to[:2*n])
	if n > 0 {
		sum = int32(b.call("widenWords", result, at, uint64(n), uint64(flip), api.EncodeI32(zero)))
	}
	take(b, to[:2*n], result)
	return sum + widenGo(to[2*n:], from[n:], flip, zero)
}

func (b *bench) magnitude(x []float32) float32 {
	b.reset()
	n, top := len(x)&^15, uint32(0)
	if n > 0 {
		top = uint32(b.call("magnitude", put(b, x[:n]), uint64(n)))
	}
	return math.Float32frombits(max(top, math.Float32bits(magnitudeGo(x[n:]))))
}

func (b *bench) quantise(q []byte, x []float32, scale float32) (sum int32) {
	b.reset()
	n := len(x) &^ 15
	at, to := put(b, x[:n]), put(b, q[:n])
	if n > 0 {
		sum = int32(b.call("quantise", to, at, uint64(n), api.EncodeF32(scale)))
	}
	take(b, q[:n], to)
	return sum + quantiseGo(q[n:], x[n:], scale)
}

func (b *bench) rescale(out []float32, c []int32, row float32, columns, bias []float32) {
	b.reset()
	n := len(c) &^ 3
	var add uint64
	var rest []float32
	if bias != nil {
		add, rest = put(b, bias[:n]), bias[n:]
	}
	at, scales, to := put(b, c[:n]), put(b, columns[:n]), put(b, out[:n])
	if n > 0 {
		b.call("rescale", to, at, uint64(n), api.EncodeF32(row), scales, add)
	}
	take(b, out[:n], to)
	rescaleGo(out[n:], c[n:], row, columns[n:], rest)
}

// vectors replaces the elementwise functions that have a kernel: the arguments are slices and numbers in the kernel's order,
// but that the number of elements comes after the slices and the numbers last.
func (b *bench) vectors() Vectors {
	v := vectorsGo
	for name, field := range elementwise() {
		if b.kernels["exact_"+name] == nil {
			continue
		}
		f := reflect.ValueOf(&v).Elem().Field(field)
		f.Set(reflect.MakeFunc(f.Type(), func(args []reflect.Value) []reflect.Value {
			b.elements(name, args)
			return nil
		}))
	}
	v.expMinus = func(out, x []float32, top float32) { b.elements("expMinus", valuesOf(out, x, top)) }
	v.scaleAdd = func(out, x, mask []float32, scale float32) { b.elements("scaleAdd", valuesOf(out, x, mask, scale)) }
	v.normalise = func(out, x, scale []float32, mean, factor float32) {
		b.elements("normalise", valuesOf(out, x, scale, mean, factor))
	}
	v.normaliseAdd = func(out, x, scale, bias []float32, mean, factor float32) {
		b.elements("normaliseAdd", valuesOf(out, x, scale, bias, mean, factor))
	}
	v.sumLanes = func(l *laneSum, x []float32) { b.lanes("sumLanes", l, x) }
	v.absLanes = func(l *laneSum, x []float32) { b.lanes("absLanes", l, x) }
	v.squareLanes = func(l *laneSum, x []float32, mean float32) { b.lanes("squareLanes", l, x, api.EncodeF32(mean)) }
	v.highest = func(x []float32) float32 { return b.extreme("highest", x) }
	v.lowest = func(x []float32) float32 { return b.extreme("lowest", x) }
	v.sumWhole = func(x []float32) float32 { return b.total("sumWhole", x) }
	v.squareWhole = func(x []float32, mean float32) float32 { return b.total("squareWhole", x, api.EncodeF32(mean)) }
	return v
}

func valuesOf(args ...any) (list []reflect.Value) {
	for _, a := range args {
		list = append(list, reflect.ValueOf(a))
	}
	return list
}

func (b *bench) lanes(name string, l *laneSum, x []float32, numbers ...uint64) {
	b.reset()
	at, lanes := put(b, x), put(b, l[:])
	if len(x) > 0 {
		b.call(name, append([]uint64{lanes, at, uint64(len(x))}, numbers...)...)
	}
	take(b, l[:], lanes)
}

func (b *bench) total(name string, x []float32, numbers ...uint64) float32 {
	b.reset()
	total := make([]float32, 1)
	at, to := put(b, x), put(b, total)
	b.call(name, append([]uint64{to, at, uint64(len(x))}, numbers...)...)
	take(b, total, to)
	return total[0]
}

func (b *bench) extreme(name string, x []float32) float32 {
	b.reset()
	both := make([]float32, 2)
	at, to := put(b, x), put(b, both)
	b.call(name, to, to+4, at, uint64(len(x)))
	take(b, both, to)
	if math.Float32bits(both[1]) > 0xff000000 {
		return nan
	}
	return both[0]
}

// elements calls a kernel with whole groups of eight, the last filled up with zeros.
func (b *bench) elements(name string, args []reflect.Value) {
	b.reset()
	n := args[0].Len()
	whole := (n + 7) &^ 7
	var pointers, numbers []uint64
	for _, a := range args {
		switch a.Kind() {
		case reflect.Slice:
			filled := reflect.AppendSlice(a.Slice3(0, n, n), reflect.MakeSlice(a.Type(), whole-n, whole-n))
			pointers = append(pointers, put(b, bytesOfValue(filled)))
		case reflect.Float32:
			numbers = append(numbers, api.EncodeF32(float32(a.Float())))
		case reflect.Int8:
			numbers = append(numbers, api.EncodeI32(int32(a.Int())))
		default:
			numbers = append(numbers, a.Uint())
		}
	}
	if n > 0 {
		b.call(name, slices.Concat(pointers, []uint64{uint64(whole)}, numbers)...)
	}
	take(b, bytesOfValue(args[0]), pointers[0])
}

func bytesOfValue(v reflect.Value) []byte {
	return unsafe.Slice((*byte)(v.UnsafePointer()), v.Len()*int(v.Type().Elem().Size()))
}

// FuzzWasm compares every kernel, as a canister runs it, with its twin.
func FuzzWasm(f *testing.F) {
	b := newBench(f)
	set := b.set()
	names := elementwise()
	order := slices.Sorted(func(yield func(string) bool) {
		for n := range names {
			if !yield(n) {
				return
			}
		}
	})
	for i := range uint8(len(order)) {
		f.Add(i, uint16(5+7*i), i*3, uint64(i))
	}
	f.Fuzz(func(t *testing.T, m uint8, depth uint16, n uint8, seed uint64) {
		b.t = t
		s := noise(seed)
		rows, k, columns := int(m)%12, int(depth)%600, int(n)%60
		x, y := rowMajor(s.raw(rows*k), k), rowMajor(s.raw(k*columns), columns)
		var w Packed
		w.Pack(y.Data, k, columns, columns, 1)
		checkMultiply(t, set, "packed", x, &w, rows, plainProduct(x, y, rows, k, columns))
		w.View(y.Data, k, columns, columns)
		checkMultiply(t, set, "in place", x, &w, rows, plainProduct(x, y, rows, k, columns))
		checkInt8(t, set, rows, k, columns)
		checkBlocks(t, set, rows, k, columns, 16<<(seed%5), 4+4*int(depth%2), int(n)%4)
		checkScaled(t, set, k, columns, int(m))
		checkRows(t, set, s.floats(k, seed%2 == 0), s.raw(k))
		name := order[int(m)%len(order)]
		numbers := append(s.raw(k), s.floats(columns, true)...)
		got, want := vectorCall(&set.Vectors, names[name], numbers, int(n)), vectorCall(&vectorsGo, names[name], numbers, int(n))
		for i := 0; i < len(want); i += 4 {
			if a, b := binary.LittleEndian.Uint32(got[i:]), binary.LittleEndian.Uint32(want[i:]); a != b {
				t.Fatalf("%s of %v (%#x): %#x, the twin gives %#x", name, numbers[i/4], math.Float32bits(numbers[i/4]), a, b)
			}
		}
	})
}

// checkRows compares the operations on rows with those of plain Go.
func checkRows(t *testing.T, set *Set, x, y []float32) {
	t.Helper()
	all := func(v *Vectors) []float32 {
		soft, masked, logs, norm, root := slices.Clone(x), slices.Clone(x), slices.Clone(x), slices.Clone(x), slices.Clone(x)
		v.Softmax(soft, x)
		v.MaskedSoftmax(masked, x, y, 0.37)
		v.LogSoftmax(logs, x)
		v.LayerNorm(norm, x, y, x, 1e-5)
		v.RMSNorm(root, x, y, 1e-5)
		return slices.Concat(soft, masked, logs, norm, root, []float32{
			v.Sum(x), v.SumSquares(x, 0.25), v.SumAbs(x), v.Highest(x), v.Lowest(x), v.Highest(y), v.Lowest(y), v.Sum(y),
		})
	}
	if i, ok := sameBits(all(&set.Vectors), all(&vectorsGo)); !ok {
		t.Fatalf("%s: number %d of operations on rows of %d differs", set.Name, i, len(x))
	}
}
