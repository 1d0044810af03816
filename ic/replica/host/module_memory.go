package host

import "assay/ic/wasm/module"

// mostPages is what a heap grows to. The engine cannot tell a memory of 4 GiB from one
// of nothing.
const mostPages = maxMemory/WasmPage - 1

// initialData is what a data segment writes.
type initialData struct {
	At    uint64
	Bytes []byte
}

// takeMemory reads what the memory of the module is to be, and returns a copy of the
// module that leaves it to the host: without bytes in its active data segments, which
// every instance would have to copy again, and without a limit to growth, which the
// host watches itself.
func (b *blueprint) takeMemory(p *module.Module) (*module.Module, error) {
	if len(p.Memories) == 0 {
		return p, nil
	}
	limits := p.Memories[0]
	if limits.Min > mostPages {
		return nil, moduleErrorf("memory of %d pages: this network has at most %d for one", limits.Min, mostPages)
	}
	b.Memory, b.MinPages, b.MaxPages = true, uint32(limits.Min), mostPages
	if limits.HasMax {
		b.MaxPages = uint32(min(limits.Max, mostPages))
	}
	own := *p
	own.Memories = []module.Limits{{Min: limits.Min}}
	own.Datas = append([]module.Data{}, p.Datas...)
	passive := false
	for n, d := range p.Datas {
		if d.Mode != module.Active {
			passive = true
			continue
		}
		if d.Offset.Op != module.OpI32Const {
			return nil, moduleErrorf("data segment %d: its place is not a constant", n)
		}
		at := uint64(uint32(d.Offset.Imm))
		if at+uint64(len(d.Bytes)) > uint64(b.MinPages)*WasmPage {
			return nil, moduleErrorf("data segment %d: %d bytes at %d do not fit into %d pages", n, len(d.Bytes), at, b.MinPages)
		}
		b.Datas = append(b.Datas, initialData{at, d.Bytes})
		own.Datas[n] = module.Data{Mode: module.Passive} // as empty as one that was applied
	}
	b.Drops = passive && dropsData(p)
	return &own, nil
}

// Tables are kept with live code.
const (
	maxTables  = 10_000_000 // entries of all tables of a module together
	tableEntry = 8          // bytes
)

func (b *blueprint) takeTables(p *module.Module) error {
	for _, t := range p.Tables {
		if b.Tables += min(t.Limits.Min, maxTables+1); b.Tables > maxTables {
			return moduleErrorf("tables of more than %d entries together", maxTables)
		}
	}
	return nil
}

func dropsData(p *module.Module) bool {
	for _, b := range p.Code {
		for it := module.NewIter(b.Code); it.Next(); {
			if it.Op == module.OpDataDrop {
				return true
			}
		}
	}
	return false
}
