package kernel

// The lanes of a row reduction in plain Go. Each adds a multiple of 16 elements. Four accumulators at a time stay in
// registers, which an array of 16 would not.

func sumLanes(l *laneSum, x []float32) {
	for at := 0; at < lanes; at += 4 {
		a, b, c, d := l[at], l[at+1], l[at+2], l[at+3]
		for i := at; i+4 <= len(x); i += lanes {
			e := (*[4]float32)(x[i:])
			a += e[0]
			b += e[1]
			c += e[2]
			d += e[3]
		}
		l[at], l[at+1], l[at+2], l[at+3] = a, b, c, d
	}
}

func squareLanes(l *laneSum, x []float32, mean float32) {
	for at := 0; at < lanes; at += 4 {
		a, b, c, d := l[at], l[at+1], l[at+2], l[at+3]
		for i := at; i+4 <= len(x); i += lanes {
			e := (*[4]float32)(x[i:])
			p, q, r, s := e[0]-mean, e[1]-mean, e[2]-mean, e[3]-mean
			a += float32(p * p)
			b += float32(q * q)
			c += float32(r * r)
			d += float32(s * s)
		}
		l[at], l[at+1], l[at+2], l[at+3] = a, b, c, d
	}
}

func absLanes(l *laneSum, x []float32) {
	for i, e := range x {
		l[i&(lanes-1)] += abs(e)
	}
}

// maxLanes gives 16 numbers whose maximum is that of x, which holds at least 16.
func maxLanes(l *laneSum, x []float32) {
	top := x[0]
	for _, e := range x {
		if !(e < top) {
			top = Max(top, e)
		}
	}
	for i := range l {
		l[i] = top
	}
}

// minLanes gives 16 numbers whose minimum is that of x.
func minLanes(l *laneSum, x []float32) {
	bottom := x[0]
	for _, e := range x {
		if !(e > bottom) {
			bottom = Min(bottom, e)
		}
	}
	for i := range l {
		l[i] = bottom
	}
}

// mark makes NaN of the lanes that saw one: seen holds the greatest bits of a lane, without their sign and doubled.
func (l *laneSum) mark(seen *[lanes]uint32) {
	for i, b := range seen {
		if b > 0xff000000 {
			l[i] = nan
		}
	}
}
