package kernel

func addF32(out, a, b []float32) {
	a, b = a[:len(out)], b[:len(out)]
	for i := range out {
		out[i] = Canon(a[i] + b[i])
	}
}

func subF32(out, a, b []float32) {
	a, b = a[:len(out)], b[:len(out)]
	for i := range out {
		out[i] = Canon(a[i] - b[i])
	}
}

func mulF32(out, a, b []float32) {
	a, b = a[:len(out)], b[:len(out)]
	for i := range out {
		out[i] = Canon(a[i] * b[i])
	}
}

func divF32(out, a, b []float32) {
	a, b = a[:len(out)], b[:len(out)]
	for i := range out {
		out[i] = Canon(a[i] / b[i])
	}
}
