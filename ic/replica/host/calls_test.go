package host

import (
	"slices"
	"testing"

	"github.com/tetratelabs/wazero/api"

	"assay/ic/wasm/link"
	"assay/ic/wasm/module"
)

// What the host serves must have the types that the acceptance check lets in.
func TestCallsHaveAcceptedTypes(t *testing.T) {
	t.Parallel()
	types := func(ts []api.ValueType) (out []module.ValType) {
		for _, v := range ts {
			out = append(out, module.ValType(v))
		}
		return out
	}
	seen := map[string]bool{}
	for _, c := range systemCalls {
		want, ok := link.SystemType(c.name)
		if !ok || !slices.Equal(types(c.params), want.Params) || !slices.Equal(types(c.results), want.Results) {
			t.Errorf("%s: served as %v->%v, accepted as %v (known: %v)", c.name, types(c.params), types(c.results), want, ok)
		}
		if seen[c.name] {
			t.Errorf("%s is served twice", c.name)
		}
		seen[c.name] = true
	}
}
