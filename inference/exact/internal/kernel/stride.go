package kernel

// stridedRows copies, for some strides, rows of at least eight elements in assembly, where there is one for this CPU. It
// reads up to the next element that would be copied after a row's last, less one.
var stridedRows map[int]func(to *float32, toStride int, x *float32, xStride int, rows, n int)

// StridedRows copies rows of n elements, every stride-th from the first one on. Rows begin toStride and xStride apart.
func StridedRows[T float32 | byte](to []T, toStride int, x []T, xStride, rows, n, stride int) {
	if rows == 0 || n == 0 {
		return
	}
	i := fastRows(to, toStride, x, xStride, rows, n, stride)
	for ; i < rows; i++ {
		row, from := to[i*toStride:][:n], x[i*xStride:][:(n-1)*stride+1]
		if stride == 1 {
			copy(row, from)
			continue
		}
		for j := range row {
			row[j] = from[j*stride]
		}
	}
}

// fastRows does with assembly what it can: all rows but the last, behind which there may be nothing to read. It says how
// many rows that were.
func fastRows[T float32 | byte](to []T, toStride int, x []T, xStride, rows, n, stride int) int {
	from, ok := any(x).([]float32)
	rows--
	if copyRows := stridedRows[stride]; ok && copyRows != nil && rows > 0 && n >= 8 && xStride >= stride {
		_, _ = to[(rows-1)*toStride+n-1], from[rows*xStride+(n-1)*stride]
		copyRows(&any(to).([]float32)[0], toStride, &from[0], xStride, rows, n)
		return rows
	}
	return 0
}
