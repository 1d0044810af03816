package kernel

var productGo = productKernel{strip: stripGo, panels: func(int) int { return 1 }}

// stripGo is the definition of a strip in plain Go, and the kernel of Wasm: two rows and four columns at a time.
func stripGo(t *strip) {
	for p := range t.width {
		b := t.b[p*t.pitch:]
		i := 0
		for ; i+2 <= t.m; i += 2 {
			for j := 0; j < panelWidth; j += 4 {
				pairGo(t, b[j:], i, p*panelWidth+j)
			}
		}
		if i < t.m {
			for j := 0; j < panelWidth; j += 8 {
				rowGo(t, b[j:], i, p*panelWidth+j)
			}
		}
	}
}

// store4 stores four sums of row i from column j on, or adds them.
func store4(t *strip, i, j int, s0, s1, s2, s3 float32) {
	c := (*[4]float32)(t.c[i*t.ldc+j:])
	if t.add {
		s0, s1, s2, s3 = c[0]+s0, c[1]+s1, c[2]+s2, c[3]+s3
	}
	*c = [4]float32{Canon(s0), Canon(s1), Canon(s2), Canon(s3)}
}
