//go:build !amd64

package peak

func loops() []Loop { return nil }
