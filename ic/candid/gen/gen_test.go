package gen

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"assay/ic/candid/did"
)

// TestCommittedFiles checks that the committed packages are what the generator writes.
func TestCommittedFiles(t *testing.T) {
	t.Parallel()
	const root = "../../.."
	for did, out := range map[string]string{
		"canisters/market/market.did":     "canisters/market/marketapi",
		"canisters/dao/dao.did":           "canisters/dao/daoapi",
		"canisters/root/root.did":         "canisters/root/rootapi",
		"canisters/vectors/vectors.did":   "canisters/vectors/vectorsapi",
		"canisters/dapp/dapp.did":         "canisters/dapp/dappapi",
		"ic/management/management.did":    "ic/management/managementapi",
		"ic/candid/gen/sample/sample.did": "ic/candid/gen/sample",
	} {
		want, err := File(filepath.Join(root, did), filepath.Base(out))
		if err != nil {
			t.Error(err)
			continue
		}
		got, err := os.ReadFile(filepath.Join(root, out, "api_gen.go"))
		if err != nil {
			t.Error(err)
			continue
		}
		if diff := cmp.Diff(string(want), string(got)); diff != "" {
			t.Errorf("%s is out of date: run go generate ./%s (-want +got):\n%.2000s", out, out, diff)
		}
	}
}

func TestRefused(t *testing.T) {
	t.Parallel()
	for _, c := range []struct{ name, source, want string }{
		{"type taken by generated code", "type Client = record {}", "would both be called Client"},
		{"two types of one Go name", "type max_price = nat; type MaxPrice = nat;", "would both be called MaxPrice"},
		{"two fields of one Go name", "type A = record { b : nat; B : nat }", "two fields would both be called B"},
		{"record inside itself", "type A = record { a : A }", "contains itself"},
		{"record inside itself by a detour", "type A = record { b : B }; type B = record { c : record { a : A } };", "contains itself"},
		{"argument type meets a named one", "type PingArg = nat; service : { ping : (record { a : nat }) -> () }", "would both be called PingArg"},
	} {
		p, err := did.Parse(c.source)
		if err != nil {
			t.Errorf("%s: %v", c.name, err)
			continue
		}
		if _, err := Source(p, "a.did", "a"); err == nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%s: error %v, want one about %q", c.name, err, c.want)
		}
	}
}

func TestGoName(t *testing.T) {
	t.Parallel()
	for name, want := range map[string]string{
		"max_price": "MaxPrice", "id": "Id", "Init_": "Init", "f32": "F32", "_0_": "X30",
		"camelCase": "CamelCase", "with space": "WithX20Space", "": "X", "ok": "Ok", "x__y": "XY",
	} {
		if got := goName(name); got != want {
			t.Errorf("goName(%q) = %q, want %q", name, got, want)
		}
	}
}
