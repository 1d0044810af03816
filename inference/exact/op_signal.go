package exact

import (
	"math"

	"assay/inference/tensor"
)

// signalOperators are transforms of signals and what goes with them.
func signalOperators() map[string]*operator {
	window := func(terms ...float64) *operator {
		return &operator{minIn: 1, maxIn: 1, out: 1, attributes: []string{"output_datatype", "periodic"}, bind: bindWindow(terms)}
	}
	return map[string]*operator{
		"HannWindow":      window(0.5, -0.5),
		"HammingWindow":   window(25.0/46, -21.0/46),
		"BlackmanWindow":  window(0.42, -0.5, 0.08),
		"MelWeightMatrix": {minIn: 5, maxIn: 5, out: 1, attributes: []string{"output_datatype"}, bind: bindMelWeights},
		"DFT":             {minIn: 1, maxIn: 3, out: 1, attributes: []string{"inverse", "onesided"}, bind: bindDFT},
		"STFT":            {minIn: 2, maxIn: 4, out: 1, attributes: []string{"onesided"}, bind: bindSTFT},
	}
}

// outputType reads the element type of a result made of nothing.
func (b *binder) outputType() (tensor.DType, error) {
	dtype := tensor.DType(b.int("output_datatype", int64(tensor.Float32)))
	if f := familyOf(dtype); f != floatFamily && f != doubleFamily {
		return 0, fail(ErrUnsupported, "attribute output_datatype is %v", dtype)
	}
	return dtype, nil
}

// whole reads operand i, a size.
func whole(in []Spec, i int, what string) (int, error) {
	list, err := in[i].ints(what, 1)
	switch {
	case err != nil:
		return 0, err
	case len(list) != 1 || list[0] < 0:
		return 0, fail(ErrShape, "%s is %v", what, list)
	}
	return list[0], nil
}

// bindWindow is the sum of terms[j]·cos(2πj·n/period), j from 0 on, for n below the size.
func bindWindow(terms []float64) func(*binder) (eval, error) {
	return func(b *binder) (eval, error) {
		dtype, err := b.outputType()
		periodic := b.bool("periodic", true)
		return eval{
			infer: func(in []Spec) ([]Spec, error) {
				size, err := whole(in, 0, "size")
				return one(dtype, []int{size}), err
			},
			compute: func(c *call, in, out []*Tensor) error {
				size := out[0].Len()
				period := size
				if !periodic {
					period--
				}
				c.rows(size, 16, func(lo, hi int) {
					var list [chunk]float64
					for at := lo; at < hi; at += chunk {
						made := list[:min(chunk, hi-at)]
						for i := range made {
							made[i] = windowAt(terms, at+i, period)
						}
						writeWide(&c.set.Vectors, out[0], at, made)
					}
				})
				return nil
			},
			cost: perElement(3000 * int64(len(terms)-1)),
		}, err
	}
}

func windowAt(terms []float64, n, period int) float64 {
	if period == 0 { // 0 of 0
		return nan64
	}
	sum := terms[0]
	for j, term := range terms[1:] {
		cos, _ := rotation(int(int64(j+1)*int64(n)%int64(period)), period)
		sum += float64(term * cos)
	}
	return sum
}

// mel is a MelWeightMatrix: a triangle over the frequencies of a DFT for each band of the mel scale.
type mel struct {
	bands, length int
	low, high     float64 // Hertz
	rate          int64
}

func bindMelWeights(b *binder) (eval, error) {
	dtype, err := b.outputType()
	return eval{
		infer: func(in []Spec) ([]Spec, error) {
			bands, err := whole(in, 0, "num_mel_bins")
			if err != nil {
				return nil, err
			}
			length, err := whole(in, 1, "dft_length")
			if err != nil {
				return nil, err
			}
			for i := 2; i < len(in); i++ {
				f := familyOf(in[i].DType)
				fits := f == floatFamily || f == doubleFamily
				if i == 2 {
					fits = f == signedFamily || f == unsignedFamily
				}
				if !fits || tensor.Product(in[i].Shape) != 1 {
					return nil, fail(ErrShape, "operand %d is %v of shape %v", i, in[i].DType, in[i].Shape)
				}
			}
			return one(dtype, []int{length/2 + 1, bands}), nil
		},
		compute: func(c *call, in, out []*Tensor) error {
			m := mel{
				bands: out[0].Shape[1], length: clampInt(integerAt(in[1], 0)), rate: integerAt(in[2], 0),
				low: floatAt(in[3], 0), high: floatAt(in[4], 0),
			}
			return m.compute(c, out[0])
		},
		cost: func(_, out []Spec) Cost {
			return Cost{Instructions: 6000 * (int64(tensor.Product(out[0].Shape)) + int64(out[0].Shape[1]+2))}
		},
	}, err
}

// edges are the frequencies of the DFT where bands begin, peak and end, each band sharing two with the next.
func (m *mel) edges(frequencies int) ([]int, error) {
	scale := func(hertz float64) float64 { return float64(2595*log1p64(hertz/700)) / math.Ln10 }
	if m.rate < 1 || !(m.low >= 0) || !(m.high >= m.low) || m.high > math.MaxFloat32 {
		return nil, fail(ErrInput, "%v to %v Hertz at %d samples a second", m.low, m.high, m.rate)
	}
	from := scale(m.low)
	step := (scale(m.high) - from) / float64(m.bands+2)
	edges := make([]int, m.bands+2)
	for i := range edges {
		hertz := float64(700 * expm1_64(float64((float64(float64(i)*step)+from)/2595*math.Ln10)))
		at := math.Floor(float64(float64(m.length+1)*hertz) / float64(m.rate))
		if at >= float64(frequencies) {
			return nil, fail(ErrInput, "band %d is beyond half of %d samples a second", i, m.rate)
		}
		edges[i] = int(at)
	}
	return edges, nil
}

func (m *mel) compute(c *call, out *Tensor) error {
	frequencies := out.Shape[0]
	clear(out.Bytes())
	edges, err := m.edges(frequencies)
	if err != nil {
		return err
	}
	for band := range m.bands {
		begin, peak, end := edges[band], edges[band+1], edges[band+2]
		put := func(frequency int, weight float64) {
			writeWide(&c.set.Vectors, out, frequency*m.bands+band, []float64{weight})
		}
		if begin == peak {
			put(peak, 1)
		}
		for f := begin; f <= peak && begin < peak; f++ {
			put(f, float64(f-begin)/float64(peak-begin))
		}
		for f := peak; f < end; f++ {
			put(f, float64(end-f)/float64(end-peak))
		}
	}
	return nil
}
