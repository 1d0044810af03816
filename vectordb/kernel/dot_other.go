//go:build !wasip1

package kernel

// Dot is the sum of products of two codes of one length. It panics when b is shorter.
//
// The arrays of sixteen leave one bounds check for as many products. In canisters dot.wat
// takes its place.
func Dot(a, b Code) int64 {
	b = b[:len(a)]
	var sum int64
	for len(a) >= 16 && len(b) >= 16 {
		x, y := (*[16]byte)(a), (*[16]byte)(b)
		sum += int64(int8(x[0]))*int64(int8(y[0])) + int64(int8(x[1]))*int64(int8(y[1])) +
			int64(int8(x[2]))*int64(int8(y[2])) + int64(int8(x[3]))*int64(int8(y[3])) +
			int64(int8(x[4]))*int64(int8(y[4])) + int64(int8(x[5]))*int64(int8(y[5])) +
			int64(int8(x[6]))*int64(int8(y[6])) + int64(int8(x[7]))*int64(int8(y[7])) +
			int64(int8(x[8]))*int64(int8(y[8])) + int64(int8(x[9]))*int64(int8(y[9])) +
			int64(int8(x[10]))*int64(int8(y[10])) + int64(int8(x[11]))*int64(int8(y[11])) +
			int64(int8(x[12]))*int64(int8(y[12])) + int64(int8(x[13]))*int64(int8(y[13])) +
			int64(int8(x[14]))*int64(int8(y[14])) + int64(int8(x[15]))*int64(int8(y[15]))
		a, b = a[16:], b[16:]
	}
	for i := range a {
		sum += int64(int8(a[i])) * int64(int8(b[i]))
	}
	return sum
}
