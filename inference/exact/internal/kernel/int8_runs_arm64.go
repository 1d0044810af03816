package kernel

//go:noescape
func packByteGroups4NEON(to, x *byte, rows *int, groups int, pieces *Run, n int, flip int)
