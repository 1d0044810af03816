package exact

import (
	"bytes"
	"errors"
	"io"
	"math/rand/v2"
	"testing"

	"assay/inference/ir"
	"assay/inference/tensor"
)

// embedding is a model whose table and weights are whole numbers.
func embedding(r *rand.Rand) *ir.Graph {
	whole := func(axis int, shape ...int) ir.Constant {
		q := &ir.Quant{Q: tensor.New(tensor.Int8, shape...), Axis: axis}
		for i := range q.Q.Bytes() {
			q.Q.Bytes()[i] = byte(r.Uint32())
		}
		for range shape[axis] {
			q.Scale = append(q.Scale, r.Float32()/100)
		}
		return ir.Constant{Name: "q", Quant: q}
	}
	b := &graphBuilder{}
	ids := b.input("ids", tensor.Int64, symbol("n"))
	b.Constants = append(b.Constants, whole(0, 50, 24), whole(1, 24, 40), ir.Constant{Data: *drawn(r, 40)})
	x := b.node("Gather", nil, 1, ids)
	b.output("y", b.node("Linear", nil, x, 2, 3))
	return &b.Graph
}

// A model read where it lies, constant by constant, gives the bits of one in memory.
func TestStoredConstants(t *testing.T) {
	r := rand.New(rand.NewPCG(21, 22))
	g := embedding(r)
	file, err := ir.Encode(g)
	if err != nil {
		t.Fatal(err)
	}
	in := map[string]Tensor{"ids": *i64s([]int64{3, 49, 0, 3})}
	want, err := program(t, g).Run(in, nil)
	if err != nil {
		t.Fatal(err)
	}
	decoded, err := ir.Decode(file)
	if err != nil {
		t.Fatal(err)
	}
	stored, err := ir.Open(bytes.NewReader(file), int64(len(file)))
	if err != nil {
		t.Fatal(err)
	}
	roots := map[string]bool{}
	for name, other := range map[string]*ir.Graph{"made": g, "decoded": decoded, "stored": stored} {
		got, err := program(t, other).Run(in, nil)
		if err != nil {
			t.Fatal(name, err)
		}
		if y, z := got["y"], want["y"]; !same(&y, &z) {
			t.Errorf("%s: other bits", name)
		}
		root, err := ir.Root(other)
		if err != nil {
			t.Fatal(err)
		}
		roots[root.String()] = true
	}
	if len(roots) != 1 {
		t.Errorf("roots differ: %v", roots)
	}
}

// cut fails to read beyond a place.
type cut struct {
	io.ReaderAt
	at int64
}

var errCut = errors.New("beyond the cut")

func (c cut) ReadAt(p []byte, off int64) (int, error) {
	if off+int64(len(p)) > c.at {
		return 0, errCut
	}
	return c.ReaderAt.ReadAt(p, off)
}

func TestStoredConstantsThatCannotBeRead(t *testing.T) {
	r := rand.New(rand.NewPCG(23, 24))
	file, err := ir.Encode(embedding(r))
	if err != nil {
		t.Fatal(err)
	}
	g, err := ir.Open(cut{bytes.NewReader(file), ir.Page + 10}, int64(len(file)))
	if err != nil {
		t.Fatal(err)
	}
	p, err := New(g, Config{})
	if err == nil {
		_, err = p.Run(map[string]Tensor{"ids": *i64s([]int64{3})}, nil)
	}
	if !errors.Is(err, ErrInput) {
		t.Errorf("error %v", err)
	}
}
