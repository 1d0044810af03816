package clients

import (
	"os/exec"
	"slices"
	"testing"

	"assay/internal/need"
)

// TestPython drives the network with icp-py-core. It is held to one check less, which its
// tampered.py explains.
func TestPython(t *testing.T) {
	t.Parallel()
	python := need.Python(t, "python/requirements.txt")
	cmd := exec.CommandContext(t.Context(), python, "check.py", open(t).file(t))
	cmd.Dir = "python"
	cmd.Env = append(cmd.Environ(), "PYTHONDONTWRITEBYTECODE=1")
	expected := slices.DeleteFunc(slices.Clone(common), func(name string) bool { return name == "imposter_query" })
	play(t, cmd, append(expected, "delegation_expired", "delegation_by_another"))
}
