package kernel

//go:noescape
func everySecondRowsNEON(to *float32, toStride int, x *float32, xStride int, rows, n int)
