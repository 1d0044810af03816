package meter

import "assay/ic/wasm/module"

// tightLoops tells for each loop of a body, in order, whether the counter is kept in a
// local there: it holds no other loop and nothing that changes the counter elsewhere.
//
// In a tight loop each round would otherwise wait for the number that the round before
// stored; the global is still written, so it is right at each trap. Elsewhere the local
// costs more than it saves: it must be read again after each call.
func tightLoops(code []byte) ([]bool, error) {
	var tight []bool
	var blocks []bool // the blocks around: whether each is a loop
	var loops []int   // the loops around
	it := module.NewIter(code)
	for it.Next() {
		switch it.Op {
		case module.OpLoop:
			spoil(tight, loops)
			blocks, loops, tight = append(blocks, true), append(loops, len(tight)), append(tight, true)
		case module.OpBlock, module.OpIf:
			blocks = append(blocks, false)
		case module.OpEnd:
			if n := len(blocks); n > 0 {
				if blocks[n-1] {
					loops = loops[:len(loops)-1]
				}
				blocks = blocks[:n-1]
			}
		default:
			if callsOut(it.Op) {
				spoil(tight, loops)
			}
		}
	}
	return tight, it.Err()
}

// spoil says that the innermost loop around is not tight.
func spoil(tight []bool, loops []int) {
	if n := len(loops); n > 0 {
		tight[loops[n-1]] = false
	}
}

func callsOut(op module.Opcode) bool {
	switch op {
	case module.OpCall, module.OpCallIndirect, module.OpReturnCall, module.OpReturnCallIndirect:
		return true
	}
	return chargesBytes(op)
}
