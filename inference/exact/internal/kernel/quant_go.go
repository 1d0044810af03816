package kernel

import (
	"encoding/binary"
	"math"
)

// blocksGo is the definition of a block-quantised strip.
func blocksGo(t *blockStrip) {
	quantBytes := t.block * panelWidth * t.bits / 8
	size := quantBytes + 5*panelWidth
	for r := range t.m {
		c := t.c[r*t.ldc:][:panelWidth]
		clear(c)
		for b := range t.blocks {
			at := r*t.blocks + b
			w := t.panel[b*size : (b+1)*size]
			var dots [panelWidth]int32
			if t.bits == 8 {
				dots8(&dots, t.q[at*t.block:(at+1)*t.block], w)
			} else {
				dots4(&dots, t.q[at*t.block:(at+1)*t.block], w)
			}
			scales, zeros := w[quantBytes:], w[quantBytes+4*panelWidth:size]
			for j := range c {
				scale := math.Float32frombits(binary.LittleEndian.Uint32(scales[4*j:]))
				dot := dots[j] - int32(zeros[j])*t.sums[at]
				c[j] += float32(float32(dot) * float32(t.scales[at]*scale))
			}
		}
		for j, v := range c {
			c[j] = Canon(v)
		}
	}
}

// dots8 sums q of the row times q of each column, four k at a time.
func dots8(sums *[panelWidth]int32, q, w []byte) {
	for i := 0; i+4 <= len(q); i += 4 {
		a0, a1, a2, a3 := int32(int8(q[i])), int32(int8(q[i+1])), int32(int8(q[i+2])), int32(int8(q[i+3]))
		v := (*[4 * panelWidth]byte)(w[i*panelWidth:])
		for j := range sums {
			sums[j] += a0*int32(v[4*j]) + a1*int32(v[4*j+1]) + a2*int32(v[4*j+2]) + a3*int32(v[4*j+3])
		}
	}
}

// dots4 is dots8 for halves of bytes, eight k at a time.
func dots4(sums *[panelWidth]int32, q, w []byte) {
	for i := 0; i+8 <= len(q); i += 8 {
		a := (*[8]byte)(q[i:])
		v := (*[4 * panelWidth]byte)(w[i*panelWidth/2:])
		for j := range sums {
			s := int32(0)
			for x := range 4 {
				u := v[4*j+x]
				s += int32(int8(a[x]))*int32(u&15) + int32(int8(a[x+4]))*int32(u>>4)
			}
			sums[j] += s
		}
	}
}
