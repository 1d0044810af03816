package identifier

import (
	"encoding/hex"
	"testing"

	"assay/ic/principal"
)

// TestOf: the identifiers that the ICP ledger itself shows for well-known accounts.
func TestOf(t *testing.T) {
	t.Parallel()
	for owner, want := range map[string]string{
		"2vxsx-fae":                   "1c7a48ba6a562aa9eaa2481a9049cdf0433b9738c992d698c31d8abf89cadc79",
		"rrkah-fqaaa-aaaaa-aaaaq-cai": "082ecf2e3f647ac600f43f38a68342fba5b8e68b085f02592b77f39808a8d2b5",
	} {
		id := Of(principal.MustParse(owner), [32]byte{})
		if got := hex.EncodeToString(id[:]); got != want {
			t.Errorf("%s: %s, want %s", owner, got, want)
		}
		if parsed, err := Parse(id[:]); err != nil || parsed != id {
			t.Errorf("%s: parsed again as %x, %v", owner, parsed, err)
		}
	}
}

// TestParse: a wrong length or one wrong bit is refused.
func TestParse(t *testing.T) {
	t.Parallel()
	id := Of(principal.Anonymous, [32]byte{1})
	for i := range id {
		bad := id
		bad[i] ^= 1
		if _, err := Parse(bad[:]); err == nil {
			t.Errorf("bit of byte %d: taken", i)
		}
	}
	for _, n := range []int{0, 31, 33} {
		if _, err := Parse(make([]byte, n)); err == nil {
			t.Errorf("%d bytes: taken", n)
		}
	}
}
