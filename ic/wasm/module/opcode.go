package module

// Opcode is an instruction: its byte, or 0xfc00 or 0xfd00 plus the number that follows
// the prefix byte.
type Opcode uint16

// The opcodes that the project's own code names.
const (
	OpUnreachable        Opcode = 0x00
	OpNop                Opcode = 0x01
	OpBlock              Opcode = 0x02
	OpLoop               Opcode = 0x03
	OpIf                 Opcode = 0x04
	OpElse               Opcode = 0x05
	OpEnd                Opcode = 0x0b
	OpBr                 Opcode = 0x0c
	OpBrIf               Opcode = 0x0d
	OpBrTable            Opcode = 0x0e
	OpReturn             Opcode = 0x0f
	OpCall               Opcode = 0x10
	OpCallIndirect       Opcode = 0x11
	OpReturnCall         Opcode = 0x12
	OpReturnCallIndirect Opcode = 0x13
	OpDrop               Opcode = 0x1a
	OpSelect             Opcode = 0x1b
	OpSelectTyped        Opcode = 0x1c
	OpLocalGet           Opcode = 0x20
	OpLocalSet           Opcode = 0x21
	OpLocalTee           Opcode = 0x22
	OpGlobalGet          Opcode = 0x23
	OpGlobalSet          Opcode = 0x24
	OpTableGet           Opcode = 0x25
	OpTableSet           Opcode = 0x26
	OpI32Load            Opcode = 0x28
	OpI64Load            Opcode = 0x29
	OpI32Load8U          Opcode = 0x2d
	OpI32Load16U         Opcode = 0x2f
	OpI32Store           Opcode = 0x36
	OpI64Store           Opcode = 0x37
	OpI32Store8          Opcode = 0x3a
	OpI64Store8          Opcode = 0x3c
	OpI64Store32         Opcode = 0x3e
	OpMemorySize         Opcode = 0x3f
	OpMemoryGrow         Opcode = 0x40
	OpI32Const           Opcode = 0x41
	OpI64Const           Opcode = 0x42
	OpF32Const           Opcode = 0x43
	OpF64Const           Opcode = 0x44
	OpI32Eqz             Opcode = 0x45
	OpI32Eq              Opcode = 0x46
	OpI32Ne              Opcode = 0x47
	OpI32LtU             Opcode = 0x49
	OpI32GtU             Opcode = 0x4b
	OpI32GeU             Opcode = 0x4f
	OpI64Eqz             Opcode = 0x50
	OpI64Ne              Opcode = 0x52
	OpI64LtS             Opcode = 0x53
	OpI64LeU             Opcode = 0x58
	OpI32Add             Opcode = 0x6a
	OpI32Sub             Opcode = 0x6b
	OpI32And             Opcode = 0x71
	OpI32Or              Opcode = 0x72
	OpI64Add             Opcode = 0x7c
	OpI64Sub             Opcode = 0x7d
	OpI64Mul             Opcode = 0x7e
	OpI64Xor             Opcode = 0x85
	OpI64ShrU            Opcode = 0x88
	OpI32DivU            Opcode = 0x6e
	OpI64ExtendI32U      Opcode = 0xad
	OpF32ConvertI32U     Opcode = 0xb3
	OpRefNull            Opcode = 0xd0
	OpRefIsNull          Opcode = 0xd1
	OpRefFunc            Opcode = 0xd2
	OpMemoryInit         Opcode = 0xfc08
	OpDataDrop           Opcode = 0xfc09
	OpMemoryCopy         Opcode = 0xfc0a
	OpMemoryFill         Opcode = 0xfc0b
	OpTableInit          Opcode = 0xfc0c
	OpElemDrop           Opcode = 0xfc0d
	OpTableCopy          Opcode = 0xfc0e
	OpTableGrow          Opcode = 0xfc0f
	OpTableSize          Opcode = 0xfc10
	OpTableFill          Opcode = 0xfc11
	OpV128Const          Opcode = 0xfd0c
	OpI8x16Shuffle       Opcode = 0xfd0d
)

// IsLoadStore reports whether the instruction moves a number between memory and the
// stack (vector forms have their own numbers).
func (o Opcode) IsLoadStore() bool { return o >= OpI32Load && o <= OpI64Store32 }

// form says which immediates follow an opcode.
type form byte

const (
	formBad form = iota
	formNone
	formBlock     // block type
	formIndex     // one index, or a label
	formTwo       // two indices
	formTargets   // br_table
	formTypes     // select with types
	formMemory    // alignment and offset
	formI32       // constant
	formI64       //
	formBytes4    //
	formBytes8    //
	formBytes16   // v128.const, shuffle
	formLane      // one byte
	formMemLane   // alignment, offset, lane
	formHeapType  // ref.null
	formMemIndex  // one memory index, 0
	formDataMem   // data segment, then memory index 0
	formTwoMemory // two memory indices, 0
	formPrefix    // 0xfc and 0xfd
)

var (
	forms       [256]form
	formsBulk   [18]form
	formsVector [256]form
)

func fill(t []form, from, to int, f form) {
	for i := from; i <= to; i++ {
		t[i] = f
	}
}

func init() {
	t := forms[:]
	fill(t, 0x00, 0x01, formNone)
	fill(t, 0x02, 0x04, formBlock)
	t[0x05], t[0x0b], t[0x0f], t[0x1a], t[0x1b], t[0xd1] = formNone, formNone, formNone, formNone, formNone, formNone
	fill(t, 0x0c, 0x0d, formIndex)
	t[0x0e] = formTargets
	t[0x10], t[0x12] = formIndex, formIndex
	t[0x11], t[0x13] = formTwo, formTwo
	t[0x1c] = formTypes
	fill(t, 0x20, 0x26, formIndex)
	fill(t, 0x28, 0x3e, formMemory)
	fill(t, 0x3f, 0x40, formMemIndex)
	t[0x41], t[0x42], t[0x43], t[0x44] = formI32, formI64, formBytes4, formBytes8
	fill(t, 0x45, 0xc4, formNone)
	t[0xd0], t[0xd2] = formHeapType, formIndex
	t[0xfc], t[0xfd] = formPrefix, formPrefix

	b := formsBulk[:]
	fill(b, 0, 7, formNone)
	b[8], b[9], b[10], b[11] = formDataMem, formIndex, formTwoMemory, formMemIndex
	b[12], b[13], b[14] = formTwo, formIndex, formTwo
	fill(b, 15, 17, formIndex)

	v := formsVector[:]
	fill(v, 0x00, 0x0b, formMemory)
	fill(v, 0x0c, 0x0d, formBytes16)
	fill(v, 0x0e, 0x14, formNone)
	fill(v, 0x15, 0x22, formLane)
	fill(v, 0x23, 0x53, formNone)
	fill(v, 0x54, 0x5b, formMemLane)
	fill(v, 0x5c, 0x5d, formMemory)
	fill(v, 0x5e, 0xff, formNone)
	for _, hole := range []int{
		0x9a, 0xa2, 0xa5, 0xa6, 0xaf, 0xb0, 0xb2, 0xb3, 0xb4, 0xbb, 0xc2, 0xc5, 0xc6,
		0xcf, 0xd0, 0xd2, 0xd3, 0xd4, 0xe2, 0xee,
	} {
		v[hole] = formBad
	}
}
