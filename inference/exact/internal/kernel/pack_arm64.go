package kernel

//go:noescape
func packPiecesNEON(to, x *float32, rows *int, depth int, pieces *Run, n int)
