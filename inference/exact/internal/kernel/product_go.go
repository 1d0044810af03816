package kernel

var productGo = productKernel{strip: stripGo, panels: func(int) int { return 1 }}

// stripGo is the definition of a strip in plain Go, and the kernel of Wasm: four rows and four columns at a time.
func stripGo(t *strip) {
	for p := range t.width {
		b := t.b[p*t.pitch:]
		i := 0
		for ; i+4 <= t.m; i += 4 {
			for j := 0; j < panelWidth; j += 4 {
				tileGo(t, b[j:], i, p*panelWidth+j)
			}
		}
		for ; i < t.m; i++ {
			for j := 0; j < panelWidth; j += 8 {
				rowGo(t, b[j:], i, p*panelWidth+j)
			}
		}
	}
}

// tileGo does four rows from row i on and four columns from column j on.
func tileGo(t *strip, b []float32, i, j int) {
	var s00, s01, s02, s03, s10, s11, s12, s13, s20, s21, s22, s23, s30, s31, s32, s33 float32
	a0 := t.a[i*t.lda:][:t.k]
	a1 := t.a[(i+1)*t.lda:][:len(a0)]
	a2 := t.a[(i+2)*t.lda:][:len(a0)]
	a3 := t.a[(i+3)*t.lda:][:len(a0)]
	at, step := 0, t.ldb
	for k, x := range a0 {
		v := (*[4]float32)(b[at:])
		at += step
		b0, b1, b2, b3 := v[0], v[1], v[2], v[3]
		s00 += float32(x * b0)
		s01 += float32(x * b1)
		s02 += float32(x * b2)
		s03 += float32(x * b3)
		x = a1[k]
		s10 += float32(x * b0)
		s11 += float32(x * b1)
		s12 += float32(x * b2)
		s13 += float32(x * b3)
		x = a2[k]
		s20 += float32(x * b0)
		s21 += float32(x * b1)
		s22 += float32(x * b2)
		s23 += float32(x * b3)
		x = a3[k]
		s30 += float32(x * b0)
		s31 += float32(x * b1)
		s32 += float32(x * b2)
		s33 += float32(x * b3)
	}
	store4(t, i, j, s00, s01, s02, s03)
	store4(t, i+1, j, s10, s11, s12, s13)
	store4(t, i+2, j, s20, s21, s22, s23)
	store4(t, i+3, j, s30, s31, s32, s33)
}

func store4(t *strip, i, j int, s0, s1, s2, s3 float32) {
	c := (*[4]float32)(t.c[i*t.ldc+j:])
	if t.add {
		s0, s1, s2, s3 = c[0]+s0, c[1]+s1, c[2]+s2, c[3]+s3
	}
	*c = [4]float32{Canon(s0), Canon(s1), Canon(s2), Canon(s3)}
}

// rowGo is tileGo for one row and eight columns.
func rowGo(t *strip, b []float32, i, j int) {
	var s0, s1, s2, s3, s4, s5, s6, s7 float32
	at, step := 0, t.ldb
	for _, x := range t.a[i*t.lda:][:t.k] {
		v := (*[8]float32)(b[at:])
		at += step
		s0 += float32(x * v[0])
		s1 += float32(x * v[1])
		s2 += float32(x * v[2])
		s3 += float32(x * v[3])
		s4 += float32(x * v[4])
		s5 += float32(x * v[5])
		s6 += float32(x * v[6])
		s7 += float32(x * v[7])
	}
	store4(t, i, j, s0, s1, s2, s3)
	store4(t, i, j+4, s4, s5, s6, s7)
}
