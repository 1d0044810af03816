package cli

import (
	"context"
	"log/slog"
	"sync/atomic"

	"assay/inference/pipeline"
)

// cheater stands around a backend and falsifies outputs, so that the demo and tests can
// show what happens to a provider that lies. It is for development only and says so.
type cheater struct {
	backend pipeline.Backend
	left    atomic.Int64 // outputs still to be falsified
	log     *slog.Logger
}

// newCheater falsifies the first n outputs.
func newCheater(backend pipeline.Backend, n int, log *slog.Logger) *cheater {
	c := &cheater{backend: backend, log: log}
	c.left.Store(int64(n))
	return c
}

// Run flips the lowest bit of an output's first byte while there are outputs left to falsify.
func (c *cheater) Run(ctx context.Context, item pipeline.Item) (pipeline.Tensor, error) {
	t, err := c.backend.Run(ctx, item)
	if err != nil || len(t.Data) == 0 || c.left.Add(-1) < 0 {
		return t, err
	}
	c.log.Warn("DEVELOPMENT CHEAT: one output was falsified on purpose")
	t.Data = append([]byte(nil), t.Data...)
	t.Data[0] ^= 1
	return t, nil
}
