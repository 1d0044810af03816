//go:build !linux

package host

func useOldKernel(backing) {}
