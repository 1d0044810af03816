package replica_test

import (
	"testing"

	"assay/ic/replica"
)

// BenchmarkUpdateKept is [BenchmarkUpdate] of a network that keeps its state in a folder:
// each message is synced before it is executed, many at a time.
func BenchmarkUpdateKept(b *testing.B) {
	c, _ := running(b, replica.Config{Dir: b.TempDir()})
	a := c.actor()
	p := program{}.Add(0, 1).Reply(nil)
	b.ResetTimer()
	spread(b, 1500, func() { c.update(a, p) }) // what HTTP is to carry
}
