"""Random ONNX graphs with an evaluation in float64: see scripts/reference/randomgraphs.py."""
