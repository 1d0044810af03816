package kernel

// The plain kernel takes four k at a time, like those of CPUs with a dot product of four bytes.
var intsGo = intKernel{group: 4, form: signedRows, strip: intStripGo, panels: func(int) int { return 1 }}

func intStripGo(t *intStrip) {
	for p := range t.width {
		b := t.b[p*t.pitch:]
		for i := range t.m {
			a := t.a[i*t.lda:][:4*t.steps]
			c := t.c[i*t.ldc+p*panelWidth:][:panelWidth]
			for j := 0; j < panelWidth; j += 4 {
				dotsGo((*[4]int32)(c[j:]), a, b[4*j:])
			}
			if t.terms == nil {
				continue
			}
			zero, sum := t.terms[2*i], t.terms[2*i+1]
			for j := range c {
				c[j] -= zero*t.sums[p*panelWidth+j] + sum*t.zeros[p*panelWidth+j]
			}
		}
	}
}

// dotsGo does one row and four columns.
func dotsGo(c *[4]int32, a, b []byte) {
	var s0, s1, s2, s3 int32
	at := 0
	for x := 0; x+4 <= len(a); x += 4 {
		u, v := (*[4]byte)(a[x:]), (*[16]byte)(b[at:])
		at += 4 * panelWidth
		a0, a1, a2, a3 := int32(int8(u[0])), int32(int8(u[1])), int32(int8(u[2])), int32(int8(u[3]))
		s0 += a0*int32(int8(v[0])) + a1*int32(int8(v[1])) + a2*int32(int8(v[2])) + a3*int32(int8(v[3]))
		s1 += a0*int32(int8(v[4])) + a1*int32(int8(v[5])) + a2*int32(int8(v[6])) + a3*int32(int8(v[7]))
		s2 += a0*int32(int8(v[8])) + a1*int32(int8(v[9])) + a2*int32(int8(v[10])) + a3*int32(int8(v[11]))
		s3 += a0*int32(int8(v[12])) + a1*int32(int8(v[13])) + a2*int32(int8(v[14])) + a3*int32(int8(v[15]))
	}
	*c = [4]int32{s0, s1, s2, s3}
}
