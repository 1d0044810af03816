//go:build !wasip1

package commitment

import "crypto/sha256"

func sum(b []byte) Hash { return sha256.Sum256(b) }
