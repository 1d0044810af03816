package cdktest_test

import (
	"strings"
	"testing"

	"assay/ic/cdk"
	"assay/ic/cdk/cdktest"
	"assay/ic/principal"
)

// TestEnvironment: a canister reads what its controllers set, and the ids of its peers among it.
func TestEnvironment(t *testing.T) {
	t.Parallel()
	peer := principal.Canister(9)
	variables := map[string]string{"COLOR": "green", "EMPTY": "", "PUBLIC_CANISTER_ID:other": peer.String(), "PUBLIC_CANISTER_ID:broken": "no id"}
	seen := false
	p := cdk.Program{Init: func(m *cdk.Message, _ []byte) error {
		seen = true
		for name, want := range map[string]string{"COLOR": "green", "EMPTY": ""} {
			if v, ok := m.Environment(name); !ok || v != want {
				t.Errorf("%s is %q, %v", name, v, ok)
			}
		}
		for _, name := range []string{"SIZE", strings.Repeat("x", 129)} {
			if v, ok := m.Environment(name); ok {
				t.Errorf("%.10s is %q, but nobody set it", name, v)
			}
		}
		if id, err := m.Peer("other"); err != nil || id != peer {
			t.Errorf("other is %s (%v)", id, err)
		}
		for _, name := range []string{"nobody", "broken"} {
			if id, err := m.Peer(name); err == nil || !strings.Contains(err.Error(), "PUBLIC_CANISTER_ID:"+name) {
				t.Errorf("%s is %s (%v)", name, id, err)
			}
		}
		return nil
	}}
	cdktest.New(t).Install(p, cdktest.Options{Variables: variables})
	if !seen {
		t.Error("the program never ran")
	}
	var none *cdk.Message
	if _, ok := none.Environment("COLOR"); ok {
		t.Error("outside a message there is an environment")
	}
}

// TestNoArgument tells an argument that says nothing from others.
func TestNoArgument(t *testing.T) {
	t.Parallel()
	for arg, want := range map[string]bool{"": true, "DIDL\x00\x00": true, "DIDL\x00\x01\x7d\x00": false, "DIDL": false} {
		if got := cdk.NoArgument([]byte(arg)); got != want {
			t.Errorf("%q: %v", arg, got)
		}
	}
}
