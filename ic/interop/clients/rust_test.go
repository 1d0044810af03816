package clients

import (
	"os/exec"
	"slices"
	"testing"

	"assay/internal/need"
)

// TestRust drives the network with ic-agent.
func TestRust(t *testing.T) {
	t.Parallel()
	program := need.RustProgram(t, "rust", "clientchecks")
	cmd := exec.CommandContext(t.Context(), program, open(t).file(t))
	play(t, cmd, slices.Concat(common, []string{"delegation_targets", "delegation_expired", "delegation_by_another", "delegation_queries_only", "sender_info"}))
}
