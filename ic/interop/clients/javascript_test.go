package clients

import (
	"os/exec"
	"slices"
	"testing"

	"assay/internal/need"
)

// TestJavaScript drives the network with agent-js.
func TestJavaScript(t *testing.T) {
	t.Parallel()
	node, dir := need.Node(t, "javascript")
	cmd := exec.CommandContext(t.Context(), node, "check.mjs", open(t).file(t))
	cmd.Dir = dir
	play(t, cmd, slices.Concat(common, []string{
		"asynchronous", "delegation_targets", "delegation_expired", "delegation_by_another", "delegation_queries_only", "key_of_another", "sender_info",
	}))
}
