package kernel

// everySecond copies elements 0, 2, 4, … of x, a multiple of eight of them, in assembly; nil where there is none for
// this CPU. It reads the element after the last one too.
var everySecond func(to, x *float32, n int)

// Strided copies every stride-th element of x, the first one first.
func Strided[T float32 | byte](to, x []T, stride int) {
	if stride == 1 {
		copy(to, x[:len(to)])
		return
	}
	if n := min(len(to), len(x)/2) &^ 7; stride == 2 && n > 0 && everySecond != nil {
		if from, ok := any(x).([]float32); ok {
			everySecond(&any(to).([]float32)[0], &from[0], n)
			to, x = to[n:], x[2*n:]
		}
	}
	at := 0
	for i := range to {
		to[i] = x[at]
		at += stride
	}
}
