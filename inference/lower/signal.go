package lower

import "assay/inference/onnx"

// signalRules are for transforms of signals and what goes with them.
func signalRules() map[string]rule {
	return map[string]rule{
		"HannWindow": same, "HammingWindow": same, "BlackmanWindow": same, "MelWeightMatrix": same,
		"STFT": same, "DFT": lowerDFT, "Det": same, "RoiAlign": lowerRoiAlign,
	}
}

// lowerDFT: before set 20 the axis was an attribute.
func lowerDFT(l *lowerer, n *onnx.Node) error {
	if l.opset(n) >= 20 {
		return same(l, n)
	}
	list, err := attrs(n, "axis")
	if err != nil {
		return err
	}
	return l.replace(n, n.Op, []*value{l.in(n, 0), l.in(n, 1), ints(intOf(n, "axis", 1))}, list...)
}

// lowerRoiAlign: before set 16 positions were not moved by half a pixel.
func lowerRoiAlign(l *lowerer, n *onnx.Node) error {
	list, err := attrs(n)
	if err != nil {
		return err
	}
	if l.opset(n) < 16 {
		list = append(list, textAttr("coordinate_transformation_mode", "output_half_pixel"))
	}
	return l.replace(n, n.Op, l.all(n), list...)
}
