package lower

import (
	"assay/inference/onnx"
	"assay/inference/tensor"
)

// resizeRules are for operators that sample images.
func resizeRules() map[string]rule {
	return map[string]rule{"Resize": lowerResize, "Upsample": lowerResize, "GridSample": lowerGridSample, "AffineGrid": same}
}

// lowerResize: before set 11, and as Upsample, positions were multiples of the scale, rounded down. In set 7 the
// scales were an attribute.
func lowerResize(l *lowerer, n *onnx.Node) error {
	if n.Op == "Resize" && l.opset(n) >= 11 {
		return same(l, n)
	}
	scales := l.in(n, 1)
	if a := n.Attribute("scales"); a != nil {
		if a.Kind != onnx.KindFloats || scales != nil {
			return misfit("attribute \"scales\"")
		}
		scales = known(tensor.FromFloat32(a.Floats, len(a.Floats)))
	}
	mode, err := attr(n, "mode")
	if err != nil {
		return err
	}
	return l.replace(n, "Resize", []*value{l.in(n, 0), nil, scales}, mode,
		textAttr("coordinate_transformation_mode", "asymmetric"), textAttr("nearest_mode", "floor"))
}

// lowerGridSample: before set 20 the modes had other names.
func lowerGridSample(l *lowerer, n *onnx.Node) error {
	list, err := attrs(n)
	if err != nil {
		return err
	}
	for i := range list {
		if newer, ok := map[string]string{"bilinear": "linear", "bicubic": "cubic"}[list[i].Text]; ok && list[i].Name == "mode" {
			list[i].Text = newer
		}
	}
	return l.replace(n, n.Op, l.all(n), list...)
}
