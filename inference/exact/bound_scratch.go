package exact

import "assay/inference/tensor"

// scratching are the operators that take temporary memory besides their outputs: how many copies of all operands and
// results, in elements of four bytes or their own size, hold it. Gates of recurrent networks are up to four for each
// element of a state, at every step and twice more.
var scratching = map[string]int64{
	"ArrayFeatureExtractor": 1, "Gather": 1, "GatherElements": 1, "GatherND": 1, "ScatterElements": 1, "ScatterND": 1,
	"LayerNormalization": 1, "RMSNormalization": 1, "SkipLayerNormalization": 1, "SkipSimplifiedLayerNormalization": 1,
	"MeanVarianceNormalization": 1,
	"ReduceL1":                  1, "ReduceL2": 1, "ReduceLogSum": 1, "ReduceLogSumExp": 1, "ReduceMax": 1, "ReduceMean": 1,
	"ReduceMin": 1, "ReduceProd": 1, "ReduceSum": 1, "ReduceSumSquare": 1,
	"Softmax": 1, "LogSoftmax": 1, "Hardmax": 1, "LpNormalization": 1, "SimplifiedLayerNormalization": 1,
	"CausalConvWithState": 1, "ConvInteger": 1, "QLinearConv": 1,
	"LSTM": 7, "GRU": 7, "RNN": 7,
}

// temporary bounds the temporary memory of a node.
func (n *node) temporary(in, out []Spec) int64 {
	if n.scratch != nil {
		return n.scratch(in, out)
	}
	return scratchOf(n.Op, in, out)
}

// handedOut is at least what memory hands out for a number of bytes.
func handedOut(bytes int64) int64 { return bytes + bytes/8 + 64 }

// scratchOf bounds the temporary memory of an operator that has no bound of its own.
func scratchOf(op string, in, out []Spec) int64 {
	if op == "Resize" {
		return resizeScratch(in[0].Shape, out[0].Shape)
	}
	times := scratching[op]
	if times == 0 {
		return 0
	}
	total := int64(0)
	for _, list := range [][]Spec{in, out} {
		for i := range list {
			total += int64(class(tensor.Product(list[i].Shape) * max(4, list[i].DType.Size())))
		}
	}
	return times * total
}

// resizeScratch is a picture for every axis, as large on each as the larger of before and after.
func resizeScratch(from, to []int) int64 {
	n := int64(4)
	for d := range to {
		n = min(n*int64(max(from[d], to[d])), 1<<40)
	}
	return int64(len(to)) * handedOut(n)
}
