package exact

import (
	"sync"

	"assay/inference/exact/internal/kernel"
	"assay/inference/ir"
	"assay/inference/tensor"
)

// weights is a constant matrix that a product takes in: packed once, or where its elements are stored outside, each time
// that it is needed.
type weights struct {
	set        *kernel.Set
	packed     *kernel.Packed
	constant   *ir.Constant // as it is stored
	transposed bool
	memory     *sync.Pool // of the program: what matrices that are packed each time are packed into
}

// weights takes the constant float32 matrix of input i; nil when it is anything else.
func (b *binder) weights(i int, transposed bool) (*weights, error) {
	if !b.isConstant(i) {
		return nil, nil
	}
	c := b.graph.Constant(b.node.In[i])
	if c.DType() != tensor.Float32 || len(c.Shape()) != 2 {
		return nil, nil
	}
	b.take(i)
	w := &weights{set: b.set, constant: c, transposed: transposed, memory: b.loader.packed}
	if c.Stored != nil {
		return w, nil
	}
	var err error
	w.packed, err = w.get()
	return w, err
}

// scaled says whether the matrix is of integers with one scale for all or one for each column.
func (w *weights) scaled() bool {
	q := w.constant.Quant
	return q != nil && !w.transposed && (len(q.Scale) == 1 || q.Axis == 1)
}

func (w *weights) get() (*kernel.Packed, error) {
	if w.packed != nil {
		return w.packed, nil
	}
	if w.scaled() {
		return w.packScaled()
	}
	t, err := Expand(w.constant)
	if err != nil {
		return nil, err
	}
	packed := w.memory.Get().(*kernel.Packed)
	packMatrix(packed, &t, w.transposed)
	return packed, nil
}

func (w *weights) packScaled() (*kernel.Packed, error) {
	q := w.constant.Quant
	elements, err := w.constant.Elements()
	if err != nil {
		return nil, fail(ErrInput, "%v", err)
	}
	packed := w.memory.Get().(*kernel.Packed)
	w.set.PackScaled(packed, elements.Bytes(), isSigned(q), q.Q.Shape[0], q.Q.Shape[1], q.Scale, q.Zero)
	return packed, nil
}

// release gives back the memory of a matrix that get packed for one time.
func (w *weights) release(packed *kernel.Packed) {
	if w != nil && w.packed == nil {
		w.memory.Put(packed)
	}
}

// or is the constant matrix, or when there is none, one made of t.
func (w *weights) or(t *Tensor, transposed bool) (*kernel.Packed, error) {
	if w == nil {
		packed := &kernel.Packed{}
		packMatrix(packed, t, transposed)
		return packed, nil
	}
	return w.get()
}
