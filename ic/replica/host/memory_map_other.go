//go:build !linux

package host

import "errors"

func newMapped(uint64) (backing, error) {
	return nil, errors.New("mapped memory needs Linux")
}
