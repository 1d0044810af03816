//go:build !linux

package host

// machineMemory is a guess.
func machineMemory() uint64 { return fallbackMemory }
