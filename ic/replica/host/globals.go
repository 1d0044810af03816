package host

import "assay/ic/wasm/module"

// Global is a global of a module that belongs to a canister's state: a mutable one, or
// one that is exported.
type Global struct {
	Type    module.ValType
	Mutable bool
	Lo, Hi  uint64 // its bits at the start; Hi of a v128 only
}

// Globals are the module's globals that are mutable or exported, in index order. The
// mutable ones are those of [Image].
func (m *Module) Globals() []Global { return m.plan.State }

// stateGlobals finds them.
func stateGlobals(p *module.Module) []Global {
	exported := map[uint32]bool{}
	for _, ex := range p.Exports {
		if ex.Kind == module.KindGlobal {
			exported[ex.Index] = true
		}
	}
	var out []Global
	first := p.Imported(module.KindGlobal)
	for i, g := range p.Globals {
		if g.Mutable || exported[first+uint32(i)] {
			out = append(out, Global{g.Type, g.Mutable, g.Init.Imm, g.Init.Hi})
		}
	}
	return out
}
