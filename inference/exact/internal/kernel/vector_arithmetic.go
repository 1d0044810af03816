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
		out[i] = Canon(float32(a[i] * b[i]))
	}
}

func divF32(out, a, b []float32) {
	a, b = a[:len(out)], b[:len(out)]
	for i := range out {
		out[i] = Canon(a[i] / b[i])
	}
}

func maxF32(out, a, b []float32) {
	a, b = a[:len(out)], b[:len(out)]
	for i := range out {
		out[i] = Max(a[i], b[i])
	}
}

func minF32(out, a, b []float32) {
	a, b = a[:len(out)], b[:len(out)]
	for i := range out {
		out[i] = Min(a[i], b[i])
	}
}

func addScalar(out, a []float32, b float32) {
	a = a[:len(out)]
	for i, v := range a {
		out[i] = Canon(v + b)
	}
}

func subScalar(out, a []float32, b float32) {
	a = a[:len(out)]
	for i, v := range a {
		out[i] = Canon(v - b)
	}
}

func mulScalar(out, a []float32, b float32) {
	a = a[:len(out)]
	for i, v := range a {
		out[i] = Canon(float32(v * b))
	}
}

func divScalar(out, a []float32, b float32) {
	a = a[:len(out)]
	for i, v := range a {
		out[i] = Canon(v / b)
	}
}

func maxScalar(out, a []float32, b float32) {
	a = a[:len(out)]
	for i, v := range a {
		out[i] = Max(v, b)
	}
}

func minScalar(out, a []float32, b float32) {
	a = a[:len(out)]
	for i, v := range a {
		out[i] = Min(v, b)
	}
}

func scalarSub(out []float32, a float32, b []float32) {
	b = b[:len(out)]
	for i, v := range b {
		out[i] = Canon(a - v)
	}
}

func scalarDiv(out []float32, a float32, b []float32) {
	b = b[:len(out)]
	for i, v := range b {
		out[i] = Canon(a / v)
	}
}
