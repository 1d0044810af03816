//go:build !amd64 && !arm64

package kernel

func intSets() []*Set { return sets }
