package kernel

//go:noescape
func packPiecesAVX2(to, x *float32, rows *int, depth int, pieces *Run, n int)
