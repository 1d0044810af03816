package kernel

import (
	"bytes"
	"debug/elf"
	"encoding/binary"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"reflect"
	"regexp"
	"runtime"
	"slices"
	"strings"
	"testing"
	"unsafe"

	"assay/internal/need"
)

// The AVX-512 assembly on an emulated CPU, for machines without: every function is called there on the memory that this
// process would call it on, and what it leaves must be what plain Go computes. scripts/reference/avx512.py describes the
// records.
func TestEmulatedAVX512(t *testing.T) {
	if testing.Short() {
		t.Skip("builds itself and needs Python")
	}
	t.Parallel()
	scripts := filepath.Join("..", "..", "..", "..", "scripts", "reference")
	python := need.Python(t, filepath.Join(scripts, "avx512.txt"))
	r := newRecorder(t)
	r.vectors()
	r.products()
	r.integers()
	r.blocks()
	cmd := exec.CommandContext(t.Context(), python, filepath.Join(scripts, "avx512.py"))
	cmd.Env = append(os.Environ(), preload(t, python)...)
	cmd.Stdin = &r.out
	var stderr bytes.Buffer
	cmd.Stderr = &stderr
	text, err := cmd.Output()
	runtime.KeepAlive(r.alive)
	if err != nil {
		t.Fatalf("%v\n%s%s", err, text, stderr.String())
	}
	if want := fmt.Sprintf("held %d, calls %d\n", r.wants, r.calls); string(text) != want {
		t.Errorf("the emulated CPU disagrees:\n%swant %s", text, want)
	}
	for name := range r.symbols {
		if strings.Contains(strings.ToLower(name), "avx512") && !r.called[name] {
			t.Errorf("%s is never called", name)
		}
	}
	t.Logf("%d functions, %d calls", len(r.called), r.calls)
}

// preload is what the emulator's library needs beside it where the C library is older than 2.38.
func preload(t *testing.T, python string) []string {
	t.Helper()
	text, err := exec.CommandContext(t.Context(), python, "-c", "import bochscpu").CombinedOutput()
	if err == nil {
		return nil
	}
	const what = "CPU instructions of AVX-512"
	if !strings.Contains(string(text), "__isoc23_") {
		need.NotRun(t, what, "bochscpu: "+string(text))
	}
	dir := t.TempDir()
	source, library := filepath.Join(dir, "old.c"), filepath.Join(dir, "old.so")
	code := "#include <stdarg.h>\n#include <stdio.h>\n#include <stdlib.h>\n" +
		"unsigned long long __isoc23_strtoull(const char *s, char **e, int b) { return strtoull(s, e, b); }\n" +
		"int __isoc23_sscanf(const char *s, const char *f, ...) { va_list a; va_start(a, f); int n = vsscanf(s, f, a); va_end(a); return n; }\n"
	if err := os.WriteFile(source, []byte(code), 0o644); err != nil {
		t.Fatal(err)
	}
	if text, err := exec.CommandContext(t.Context(), "cc", "-shared", "-fPIC", "-o", library, source).CombinedOutput(); err != nil {
		need.NotRun(t, what, fmt.Sprintf("bochscpu wants a newer C library, and there is no C compiler to help: %v %s", err, text))
	}
	return []string{"LD_PRELOAD=" + library}
}

// recorder collects what the emulated CPU shall do.
type recorder struct {
	t            *testing.T
	out          bytes.Buffer
	symbols      map[string]uint64
	called       map[string]bool
	calls, wants int
	noise        noise
	alive        []any // what records point at may not be moved to another use
}

// newRecorder builds this package's test program, whose code the emulated CPU gets.
func newRecorder(t *testing.T) *recorder {
	t.Helper()
	program := filepath.Join(t.TempDir(), "kernel.test")
	cmd := exec.CommandContext(t.Context(), "go", "test", "-c", "-trimpath", "-o", program, ".")
	cmd.Env = append(os.Environ(), "CGO_ENABLED=0", "GOFLAGS=", "GOOS=linux", "GOARCH=amd64")
	if text, err := cmd.CombinedOutput(); err != nil {
		t.Fatalf("build: %v\n%s", err, text)
	}
	file, err := elf.Open(program)
	if err != nil {
		t.Fatal(err)
	}
	defer file.Close()
	r := &recorder{t: t, symbols: map[string]uint64{}, called: map[string]bool{}, noise: 41}
	for _, p := range file.Progs {
		if p.Type != elf.PT_LOAD || p.Flags&elf.PF_W != 0 {
			continue
		}
		data := make([]byte, p.Filesz)
		if _, err := p.ReadAt(data, 0); err != nil {
			t.Fatal(err)
		}
		r.record('X', p.Vaddr, data)
	}
	symbols, err := file.Symbols()
	if err != nil {
		t.Fatal(err)
	}
	for _, s := range symbols {
		if name, ok := strings.CutPrefix(s.Name, "assay/inference/exact/internal/kernel."); ok {
			if name, ok = strings.CutSuffix(name, ".abi0"); ok {
				r.symbols[name] = s.Value
			}
		}
	}
	return r
}

func (r *recorder) record(kind byte, address uint64, data []byte) {
	r.out.WriteByte(kind)
	r.out.Write(binary.LittleEndian.AppendUint64(binary.LittleEndian.AppendUint64(nil, address), uint64(len(data))))
	r.out.Write(data)
}

// memory records what a slice holds now.
func (r *recorder) memory(v reflect.Value) {
	if v.Len() > 0 {
		r.alive = append(r.alive, v.Interface())
		r.record('R', uint64(v.Pointer()), rawSlice(v))
	}
}

func (r *recorder) want(v reflect.Value, data []byte) {
	r.alive = append(r.alive, v.Interface())
	r.record('W', uint64(v.Pointer()), data)
	r.wants++
}

func rawSlice(v reflect.Value) []byte {
	return bytes.Clone(unsafe.Slice((*byte)(v.UnsafePointer()), v.Len()*int(v.Type().Elem().Size())))
}

func (r *recorder) call(name string, arguments []byte) {
	address, ok := r.symbols[name]
	if !ok {
		r.t.Fatalf("no function %s", name)
	}
	r.record('N', 0, []byte(name))
	r.record('C', address, arguments)
	r.called[name] = true
	r.calls++
}

// tile calls a function on a description of a tile.
func (r *recorder) tile(name string, description any) {
	v := reflect.ValueOf(description).Elem()
	raw := bytes.Clone(unsafe.Slice((*byte)(v.Addr().UnsafePointer()), v.Type().Size()))
	at := reflect.ValueOf(raw)
	r.memory(at)
	r.call(name, binary.LittleEndian.AppendUint64(nil, uint64(at.Pointer())))
}

// fields records slices of a strip.
func (r *recorder) fields(strip any, names ...string) {
	for _, name := range names {
		f := reflect.ValueOf(strip).Elem().FieldByName(name)
		r.memory(reflect.NewAt(f.Type(), f.Addr().UnsafePointer()).Elem())
	}
}

var signatures = regexp.MustCompile(`// func asm(\w+)AVX512\((.*)\)`)

// vectors records each function that the generator wrote, on numbers of every size.
func (r *recorder) vectors() {
	text, err := os.ReadFile("vector_amd64_gen.s")
	if err != nil {
		r.t.Fatal(err)
	}
	var x []float32
	for i, v := range sweep() {
		if i%61 == 0 {
			x = append(x, v)
		}
	}
	x = x[:len(x)&^31]
	all := signatures.FindAllStringSubmatch(string(text), -1)
	if len(all) < 40 {
		r.t.Fatalf("%d signatures found", len(all))
	}
	for _, m := range all {
		for turn := range 4 {
			r.vector(m[1], strings.Split(m[2], ", "), x, turn)
		}
	}
}

// vector records one call: of the Go function, whose results are wanted, and of the assembly with the same arguments.
func (r *recorder) vector(name string, params []string, x []float32, turn int) {
	field := reflect.ValueOf(&vectorsGo).Elem().FieldByName(name)
	if !field.IsValid() {
		field = reflect.ValueOf(&vectorsGo).Elem().FieldByName(strings.ToLower(name[:1]) + name[1:])
		x = r.noise.floats(640, false) // of row functions sums of ordinary numbers say more
	}
	field = reflect.NewAt(field.Type(), field.Addr().UnsafePointer()).Elem()
	var slicesIn, numbers []reflect.Value
	pointers, scalars, result := []byte(nil), []byte(nil), reflect.Value{}
	for i, p := range params {
		_, typ, _ := strings.Cut(p, " ")
		switch {
		case typ == "int":
			pointers = binary.LittleEndian.AppendUint64(pointers, uint64(len(x)))
		case typ == "float32" || typ == "int32":
			bits, v := r.number(field.Type(), name, turn, i)
			scalars = binary.LittleEndian.AppendUint32(scalars, bits)
			numbers = append(numbers, v)
		default:
			v := r.operand(p, typ, x, i)
			if i == 0 {
				result = v
			} else if !strings.HasPrefix(p, "seen ") {
				slicesIn = append(slicesIn, v)
			}
			pointers = binary.LittleEndian.AppendUint64(pointers, uint64(v.Pointer()))
		}
	}
	r.call("asm"+name+"AVX512", append(pointers, scalars...))
	r.want(result, plainResult(field, result, slicesIn, numbers))
}

// operand is the slice for a pointer: outputs zero, inputs x turned.
func (r *recorder) operand(param, typ string, x []float32, i int) reflect.Value {
	kinds := map[string]reflect.Type{
		"*float32": reflect.TypeFor[float32](), "*int8": reflect.TypeFor[int8](), "*uint8": reflect.TypeFor[uint8](),
		"*uint16": reflect.TypeFor[uint16](), "*uint32": reflect.TypeFor[uint32](),
	}
	name, _, _ := strings.Cut(param, " ")
	var v reflect.Value
	switch name {
	case "out":
		v = reflect.MakeSlice(reflect.SliceOf(kinds[typ]), len(x), len(x))
	case "l":
		v = reflect.ValueOf(make([]float32, lanes))
	case "total", "seen":
		v = reflect.MakeSlice(reflect.SliceOf(kinds[typ]), 1, 1)
	default:
		v = sliceOf(kinds[typ].Kind(), x, 37*i)
	}
	r.memory(v)
	return v
}

// number is a scalar argument, as the assembly and as the Go function take it.
func (r *recorder) number(f reflect.Type, name string, turn, i int) (uint32, reflect.Value) {
	last := f.In(f.NumIn() - 1)
	switch {
	case name == "ExpMinus":
		v := float32(9 + 20*turn)
		return *(*uint32)(unsafe.Pointer(&v)), reflect.ValueOf(v)
	case last.Kind() == reflect.Int8 && i == 4:
		return uint32(int32(int8(29 * turn))), reflect.ValueOf(int8(29 * turn))
	case last.Kind() == reflect.Uint8 && i == 4:
		return uint32(29 * turn), reflect.ValueOf(uint8(29 * turn))
	}
	v := odd(3*turn + i)
	return *(*uint32)(unsafe.Pointer(&v)), reflect.ValueOf(v)
}

// plainResult calls the Go function and gives the bytes of what it computes.
func plainResult(f, result reflect.Value, in, numbers []reflect.Value) []byte {
	typ := f.Type()
	out := reflect.MakeSlice(result.Type(), result.Len(), result.Len())
	var args []reflect.Value
	for i := range typ.NumIn() {
		switch k := typ.In(i).Kind(); {
		case k == reflect.Pointer:
			args = append(args, reflect.ValueOf((*laneSum)(out.Interface().([]float32))))
		case k == reflect.Slice && i == 0 && typ.NumOut() == 0:
			args = append(args, out)
		case k == reflect.Slice:
			args, in = append(args, in[0]), in[1:]
		default:
			args, numbers = append(args, numbers[0]), numbers[1:]
		}
	}
	if returned := f.Call(args); len(returned) > 0 {
		return rawSlice(reflect.ValueOf([]float32{float32(returned[0].Float())}))
	}
	return rawSlice(out)
}

func (r *recorder) products() {
	set := *Named("go")
	set.product = productKernel{panels: productAVX512.panels, strip: func(s *strip) {
		r.fields(s, "a", "b")
		t := s.tile()
		for i := 0; i < s.m; {
			rows := tileRows(s.m-i, 8)
			s.place(&t, i, rows)
			r.tile(fmt.Sprintf("avx512Tile%dx%d", rows, s.width), &t)
			i += rows
		}
	}}
	for m := 1; m <= 17; m++ {
		for _, n := range []int{16, 32, 48, 64} {
			for _, depth := range []int{1, 70, 300} {
				a, b := r.noise.floats(m*depth, depth == 70), r.noise.floats(depth*n, depth == 70)
				var w Packed
				w.Pack(b, depth, n, n, 1)
				got := make([]float32, m*n)
				set.Multiply(got, n, rowMajor(a, depth), &w, m, 0, w.Panels(), nil)
				r.want(reflect.ValueOf(got), rawSlice(reflect.ValueOf(plainProduct(rowMajor(a, depth), rowMajor(b, n), m, depth, n))))
			}
		}
	}
}

func (r *recorder) integers() {
	for name, kernel := range map[string]intKernel{"Words": intsAVX512, "Dots": intsAVX512Dots4} {
		kernel.strip = func(s *intStrip) {
			r.fields(s, "a", "b", "terms", "sums", "zeros")
			t := s.tile()
			for i := 0; i < s.m; {
				rows := tileRows(s.m-i, 8)
				s.place(&t, i, rows)
				r.tile(fmt.Sprintf("avx512%s%dx%d", name, rows, s.width), &t)
				i += rows
			}
		}
		for m := 1; m <= 9; m++ {
			for _, n := range []int{16, 32, 64} {
				for kind := range 8 {
					set := *Named("go")
					set.ints = kernel
					r.integer(&set, m, 70-65*(kind&1), n, kind)
				}
			}
		}
	}
}

func (r *recorder) integer(set *Set, m, depth, n, kind int) {
	a, b := r.noise.bytes(m, depth, kind&1 != 0, kind == 5), r.noise.bytes(depth, n, kind&2 != 0, kind >= 6)
	aZeros, bZeros := r.noise.zeros(kind%3, m, kind&1 != 0), r.noise.zeros(kind*7%5%3, n, kind&2 != 0)
	var rows Int8Rows
	var panels Int8Panels
	set.PackInt8(&panels, b, depth, n, bZeros)
	set.PackInt8Rows(&rows, a, m, depth, aZeros)
	got := make([]int32, m*n)
	set.MultiplyInt8(got, n, &rows, &panels, 0, m, 0, panels.Panels(), nil)
	r.want(reflect.ValueOf(got), rawSlice(reflect.ValueOf(plainInt8(a, b, m, depth, n, aZeros, bZeros))))
}

func (r *recorder) blocks() {
	set := *Named("go")
	set.blocks = func(s *blockStrip) {
		r.fields(s, "q", "scales", "sums", "panel")
		t := s.tile()
		for i := 0; i < s.m; {
			rows := tileRows(s.m-i, 4)
			s.place(&t, i)
			r.tile(fmt.Sprintf("avx512Blocks%dx%d", s.bits, rows), &t)
			i += rows
		}
	}
	for _, bits := range []int{4, 8} {
		for m := 1; m <= 5; m++ {
			for kind, size := range [][2]int{{16, 40}, {32, 1}, {32, 70}, {256, 270}} {
				block, depth, n := size[0], size[1], 32
				v := r.noise.quantised(depth, n, block, bits, kind&1 != 0)
				a := r.noise.floats(m*depth, kind&2 != 0)
				var panels BlockPanels
				var rows BlockRows
				if err := panels.Pack(v.q, v.scales, v.zeros, depth, n, block, bits); err != nil {
					r.t.Fatal(err)
				}
				set.QuantiseBlocks(&rows, a, m, depth, depth, block)
				got := slices.Repeat([]float32{77}, m*n)
				set.MultiplyBlocks(got, n, &rows, &panels, 0, m, 0, panels.Panels(), nil)
				r.want(reflect.ValueOf(got), rawSlice(reflect.ValueOf(plainBlocks(a, &v, m))))
			}
		}
	}
}
