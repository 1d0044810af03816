package kernel

// scaledColumns is what the 16 columns of a panel of scaled integers have.
type scaledColumns struct {
	scales [panelWidth]float32
	zeros  [panelWidth]int32 // of the bytes, flipped and signed
	flip   byte
}

// PackScaled fills p with b[k][n], whose rows are of n bytes, as floats: (b - zero point) · scale, a rounded product. There
// is one scale for all columns or one for each; of zero points none, one or n. It is how weights that are kept as bytes
// reach the panels without a float32 copy beside them.
func (s *Set) PackScaled(p *Packed, b []byte, signed bool, k, n int, scales []float32, zeros []int32) {
	p.reset(k, n)
	view := Bytes{Signed: signed}
	c := &scaledColumns{flip: view.flip()}
	p.each(func(panel []float32, k0, depth, j, width int) {
		for x := range width {
			c.scales[x], c.zeros[x] = pick(scales, j+x), pick(zeros, j+x)-view.shift()
		}
		from := b[k0*n+j:]
		if width == panelWidth && s.scaled != nil {
			s.scaled(panel, from, n, c)
			return
		}
		for i := range depth {
			to := panel[i*panelWidth:][:panelWidth]
			clear(to[width:])
			for x, v := range from[i*n:][:width] {
				to[x] = Canon(float32(float32(int32(int8(v^c.flip))-c.zeros[x]) * c.scales[x]))
			}
		}
	})
}
