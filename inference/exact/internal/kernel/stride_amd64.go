package kernel

//go:noescape
func copyRowsAVX2(to *float32, toStride int, x *float32, xStride int, rows, n int)

//go:noescape
func everySecondRowsAVX2(to *float32, toStride int, x *float32, xStride int, rows, n int)
