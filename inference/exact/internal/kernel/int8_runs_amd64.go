package kernel

//go:noescape
func packByteGroups2AVX2(to, x *byte, rows *int, groups int, pieces *Run, n int, flip int)

//go:noescape
func packByteGroups4AVX2(to, x *byte, rows *int, groups int, pieces *Run, n int, flip int)

//go:noescape
func requantiseSums(out *byte, sums *int32, n int, bias int32, factor float32, zero int32, signed int32)

func requantiseAVX2(out []byte, signed bool, sums []int32, bias int32, factor float32, zero int32) {
	n := len(sums) &^ 31
	if out = out[:len(sums)]; n > 0 {
		kind := int32(0)
		if signed {
			kind = 1
		}
		requantiseSums(&out[0], &sums[0], n, bias, factor, zero, kind)
	}
	requantiseGo(out[n:], signed, sums[n:], bias, factor, zero)
}
