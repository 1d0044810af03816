//go:build !amd64

package kernel

func intSets() []*Set { return sets }
