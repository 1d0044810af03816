package kernel

// TapGroup is how many elements [Set.TapSums] computes at a time.
const TapGroup = 32

// TapSums stores out[j] = bias + Σ x[offsets[i] + j]·weights[i]: the sum of rounded products begins with +0, goes by
// ascending i, and the bias is added to it; a bias of -0 changes nothing. out is a multiple of [TapGroup] long, there is
// at least one weight and at most [BlockDepth], and x reaches as far as they ask for.
func (s *Set) TapSums(out, x []float32, offsets []int, weights []float32, bias float32) {
	offsets = offsets[:len(weights)]
	if len(out) == 0 {
		return
	}
	for _, o := range offsets {
		_ = x[o:][:len(out)]
	}
	s.taps(out, x, offsets, weights, bias)
}

func tapsGo(out, x []float32, offsets []int, weights []float32, bias float32) {
	for at := 0; at < len(out); at += TapGroup {
		var sums [TapGroup]float32
		for i, w := range weights {
			seen := (*[TapGroup]float32)(x[offsets[i]+at:])
			for j, v := range seen {
				sums[j] += float32(v * w)
			}
		}
		for j, v := range sums {
			out[at+j] = Canon(v + bias)
		}
	}
}
