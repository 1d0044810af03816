//go:build armbe || arm64be || mips || mips64 || ppc || ppc64 || s390 || s390x || sparc || sparc64

package tensor

// Typed slices look at little-endian bytes, so this package does not build for big-endian processors.
var _ = littleEndianOnly
