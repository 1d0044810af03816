package inspect

import (
	"cmp"
	"slices"
	"strings"

	"assay/ic/wasm/link"
	"assay/ic/wasm/module"
)

// weigh fills in counts, limits and the largest functions.
func (r *Report) weigh(m *module.Module, functions []link.Function) {
	uses := link.Usages(m, r.WasmBytes, functions)
	uses = append(uses, link.Usage{Limit: "one install message, bytes compressed", Used: uint64(r.GzipBytes), Max: maxMessage})
	for _, u := range uses {
		r.Limits = append(r.Limits, Use{u.Limit, u.Used, u.Max, u.Percent(), u.Percent() > WarnPercent})
	}
	r.Counts = Counts{Types: len(m.Types), Functions: len(m.Funcs), Globals: len(m.Globals), DataSegments: len(m.Datas)}
	for _, d := range m.Datas {
		r.Counts.DataBytes += len(d.Bytes)
	}
	for _, e := range m.Elems {
		r.Counts.Elements += len(e.Funcs) + len(e.Exprs)
	}
	for _, f := range functions {
		r.Counts.Instructions += f.Instructions
	}
	r.Install = uint64(r.Counts.Instructions) * link.InstallWeight
	slices.SortStableFunc(functions, func(a, b link.Function) int { return cmp.Compare(b.Instructions, a.Instructions) })
	imported := int(m.Imported(module.KindFunc))
	for _, f := range functions[:min(5, len(functions))] {
		r.Largest = append(r.Largest, Func{imported + f.Index, f.Instructions, f.Complexity, f.Bytes})
	}
}

// list fills in what the module names.
func (r *Report) list(m *module.Module) {
	r.Imports, r.Exports, r.Methods, r.Custom = []Item{}, []Item{}, []Item{}, []Item{}
	for _, im := range m.Imports {
		item := Item{Name: im.Module + "." + im.Name, Kind: kindName(im.Kind)}
		if im.Kind == module.KindFunc {
			item.Text = typeText(m, im.Func)
		}
		r.Imports = append(r.Imports, item)
	}
	for _, e := range m.Exports {
		item := Item{Name: e.Name, Kind: kindName(e.Kind)}
		if t, ok := m.TypeOf(e.Index); e.Kind == module.KindFunc && ok {
			item.Text = t.String()
		}
		r.Exports = append(r.Exports, item)
		r.Canister = r.Canister || strings.HasPrefix(e.Name, "canister_")
	}
	for _, method := range link.Methods(m) {
		r.Methods = append(r.Methods, Item{Name: method.Name, Kind: methodKind(method.Kind)})
	}
	for _, c := range m.Customs {
		r.Custom = append(r.Custom, custom(c))
	}
	if len(m.Memories) > 0 {
		r.Memory = space(m.Memories[0])
	}
	if len(m.Tables) > 0 {
		r.Table = space(m.Tables[0].Limits)
	}
}

// custom says who can read a section from an installed canister.
func custom(c module.Custom) Item {
	item := Item{Name: c.Name, Kind: "not kept", Bytes: len(c.Bytes), Text: text(c.Bytes)}
	for _, kind := range []string{"public", "private"} {
		if name, ok := strings.CutPrefix(c.Name, "icp:"+kind+" "); ok {
			item.Name, item.Kind = name, kind
		}
	}
	return item
}

func space(l module.Limits) *Space {
	s := &Space{Min: l.Min}
	if l.HasMax {
		s.Max = &l.Max
	}
	return s
}
