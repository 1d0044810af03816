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

// highest is the maximum of x, which is not empty.
func highest(x []float32) float32 {
	top := x[0]
	for _, e := range x {
		if !(e < top) { // most elements are, and need no further look
			top = Max(top, e)
		}
	}
	return top
}

// lowest is the minimum of x.
func lowest(x []float32) float32 {
	bottom := x[0]
	for _, e := range x {
		if !(e > bottom) {
			bottom = Min(bottom, e)
		}
	}
	return bottom
}

// sumWhole and squareWhole reduce whole groups of 16 to one number.

func sumWhole(x []float32) float32 {
	var l laneSum
	sumLanes(&l, x)
	return l.total()
}

func squareWhole(x []float32, mean float32) float32 {
	var l laneSum
	squareLanes(&l, x, mean)
	return l.total()
}
