package exact

import (
	"math"

	"assay/inference/exact/internal/kernel"
	"assay/inference/tensor"
)

// batchNormTraining normalises every channel by the mean and variance that it has itself, over all positions of all
// images, and moves the running ones toward them: round(old · momentum) + round(new · (1 - momentum)).
type batchNormTraining struct {
	epsilon, momentum float32
}

func bindBatchNormTraining(b *binder) (eval, error) {
	t := &batchNormTraining{b.float("epsilon", 1e-5), b.float("momentum", 0.9)}
	return eval{infer: t.infer, compute: t.compute, scratch: t.scratch, cost: perElement(800)}, nil
}

func (t *batchNormTraining) infer(in []Spec) ([]Spec, error) {
	x := &in[0]
	if familyOf(x.DType) != floatFamily {
		return nil, fail(ErrUnsupported, "element type %v", x.DType)
	}
	all := channelsOf(x.Shape)
	stat := Spec{DType: in[3].DType, Shape: []int{all}}
	if in[4].DType != in[3].DType {
		return nil, fail(ErrShape, "a mean of %v, a variance of %v", in[3].DType, in[4].DType)
	}
	return []Spec{x.like(), stat, stat}, channels(in, 1, all, all)
}

// channelsOf is how many channels a shape has: its second dimension.
func channelsOf(shape []int) int {
	if len(shape) < 2 {
		return 1
	}
	return shape[1]
}

func (t *batchNormTraining) compute(c *call, in, out []*Tensor) error {
	x, all := in[0], channelsOf(in[0].Shape)
	mean, variance := make([]float32, all), make([]float32, all)
	if x.Len() == 0 {
		fill(mean, float32(math.NaN()))
		fill(variance, float32(math.NaN()))
	} else if err := t.normalise(c, in, out[0], mean, variance); err != nil {
		return err
	}
	t.move(c, out[1], in[3], mean)
	t.move(c, out[2], in[4], variance)
	return nil
}

func (t *batchNormTraining) normalise(c *call, in []*Tensor, out *Tensor, mean, variance []float32) error {
	x := in[0]
	set := make([]bool, len(x.Shape))
	for i := range set {
		set[i] = i != 1
	}
	v := axesLast(x.Shape, set)
	rows, done, err := c.rearranged(x, v)
	if err != nil {
		return err
	}
	defer done()
	k := &c.set.Vectors
	scale, bias := c.floatsOf(in[1]), c.floatsOf(in[2])
	c.floatRows(rows, rows, x.Len()/len(mean), func(i int, to, from []float32) {
		mean[i], variance[i] = k.MeanVariance(from)
		a := kernel.Canon(float32(scale[i] * kernel.Canon(1/kernel.Sqrt(variance[i]+t.epsilon))))
		k.SubScalar(to, from, mean[i])
		k.MulScalar(to, to, a)
		k.AddScalar(to, to, bias[i])
	})
	if out != nil {
		moved(out, rows, inverse(x.Shape, set, v))
	}
	return nil
}

// move gives the running statistic its next value.
func (t *batchNormTraining) move(c *call, out, running *Tensor, fresh []float32) {
	if out == nil {
		return
	}
	next := make([]float32, len(fresh))
	for i, old := range c.floatsOf(running) {
		next[i] = kernel.Canon(float32(old*t.momentum) + float32(fresh[i]*(1-t.momentum)))
	}
	storeFloats(&c.set.Vectors, out, 0, next)
}

func (t *batchNormTraining) scratch(in, _ []Spec) int64 {
	return int64(class(tensor.Product(in[0].Shape) * in[0].DType.Size()))
}
