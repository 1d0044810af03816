package replica

import (
	"crypto/sha256"
	"math/rand/v2"
)

// seeded is a random stream for tests.
func seeded(seed []byte) *rand.ChaCha8 { return rand.NewChaCha8(sha256.Sum256(seed)) }
