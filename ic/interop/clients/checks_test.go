package clients

import (
	"bufio"
	"bytes"
	"encoding/json"
	"os/exec"
	"slices"
	"strings"
	"testing"
)

// line is what a program prints for one check.
type line struct {
	Name   string `json:"name"`
	OK     bool   `json:"ok"`
	Detail string `json:"detail"`
}

// common are the checks that every library passes. Those in extra are of one library.
var common = strings.Fields(`
	status root_key
	query update caller_ed25519 caller_secp256k1 caller_p256 anonymous
	query_reject update_reject update_trap update_deny method_missing canister_missing
	large_argument long_reply reply_too_long request_too_large
	polling
	state_time state_module_hash state_controllers state_metadata state_subnet
	delegation canister_signature
	wrong_signature expired replayed
	install
	forged_update forged_query forged_state
	uncertified_update uncertified_query uncertified_state
	imposter_update imposter_query imposter_state
	swapped_update swapped_query
	stale_query stale_state
`)

// play runs a client program and turns its lines into subtests. Every expected check must
// come exactly once, and no other.
func play(t *testing.T, cmd *exec.Cmd, expected []string) {
	t.Helper()
	var stderr bytes.Buffer
	cmd.Stderr = &stderr
	out, err := cmd.Output()
	seen := map[string]int{}
	for scanner := bufio.NewScanner(bytes.NewReader(out)); scanner.Scan(); {
		var l line
		if err := json.Unmarshal(scanner.Bytes(), &l); err != nil {
			t.Errorf("line %q: %v", scanner.Text(), err)
			continue
		}
		seen[l.Name]++
		t.Run(l.Name, func(t *testing.T) {
			if !l.OK {
				t.Error(l.Detail)
			}
			if !slices.Contains(expected, l.Name) {
				t.Error("the check is not on the list in Go")
			}
		})
	}
	if err != nil {
		t.Errorf("%s: %v\n%.8000s", cmd, err, stderr.String())
	}
	for _, name := range expected {
		if seen[name] != 1 {
			t.Errorf("check %s ran %d times", name, seen[name])
		}
	}
}
