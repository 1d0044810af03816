package link

import (
	"sort"

	"assay/ic/wasm/module"
)

// datas joins neighbouring data segments and appends the polyfills' texts.
func (l *linker) datas(Options) error {
	m := l.m
	for i, d := range m.Datas {
		if d.Mode != module.Active || d.Offset.Op != module.OpI32Const {
			return refuse(RuleData, "data segment %d of Go's output has no constant offset", i)
		}
		if uint32(d.Offset.Imm) < scratchEnd {
			return refuse(RuleData, "data segment %d lies at %d, in the first %d bytes, which Go leaves free", i, uint32(d.Offset.Imm), scratchEnd)
		}
	}
	merged, ok := mergeDatas(m.Datas, segmentGap)
	if ok {
		m.Datas = merged
	}
	m.Datas = append(texts(), m.Datas...)
	m.DataCount = nil
	if usesDataIndex(m) {
		return refuse(RuleData, "Go's output names data segments by index")
	}
	return nil
}

// mergeDatas sorts active segments by address and joins those at most gap bytes apart;
// false where two overlap, because then their order matters.
func mergeDatas(in []module.Data, gap uint64) ([]module.Data, bool) {
	sorted := append([]module.Data(nil), in...)
	sort.SliceStable(sorted, func(i, j int) bool { return offset(sorted[i]) < offset(sorted[j]) })
	var out []module.Data
	end := uint64(0) // of the last segment of out
	for _, d := range sorted {
		at := offset(d)
		if len(out) > 0 && at < end {
			return nil, false
		}
		if len(out) > 0 && at-end <= gap {
			last := &out[len(out)-1]
			// The first append copies: the bytes before belong to the parsed module.
			last.Bytes = append(append(last.Bytes, make([]byte, at-end)...), d.Bytes...)
		} else {
			d.Bytes = d.Bytes[:len(d.Bytes):len(d.Bytes)]
			out = append(out, d)
		}
		end = at + uint64(len(d.Bytes))
	}
	return out, true
}

func offset(d module.Data) uint64 { return uint64(uint32(d.Offset.Imm)) }

// usesDataIndex reports whether code refers to a data segment, which merging would
// renumber.
func usesDataIndex(m *module.Module) bool {
	for i := range m.Code {
		it := module.NewIter(m.Code[i].Code)
		for it.Next() {
			if it.Op == module.OpMemoryInit || it.Op == module.OpDataDrop {
				return true
			}
		}
	}
	return false
}
