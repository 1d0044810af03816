package kernel

//go:noescape
func packByteGroups2AVX2(to, x *byte, rows *int, groups int, pieces *Run, n int, flip int)

//go:noescape
func packByteGroups4AVX2(to, x *byte, rows *int, groups int, pieces *Run, n int, flip int)

//go:noescape
func requantiseSums(out *byte, sums *int32, n int, bias int32, factor float32, zero int32, signed int32)

// requantiseAVX2 does a rest in a group that overlaps the one before, if there is one.
func requantiseAVX2(out []byte, signed bool, sums []int32, bias int32, factor float32, zero int32) {
	const group = 32
	if len(sums) < group {
		requantiseGo(out, signed, sums, bias, factor, zero)
		return
	}
	kind := int32(0)
	if signed {
		kind = 1
	}
	out = out[:len(sums)]
	requantiseSums(&out[0], &sums[0], len(sums)&^(group-1), bias, factor, zero, kind)
	if last := len(sums) - group; last%group != 0 {
		requantiseSums(&out[last], &sums[last], group, bias, factor, zero, kind)
	}
}
