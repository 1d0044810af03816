package module

import "encoding/binary"

// Code writes instructions. Methods append and return the receiver, so bodies read
// like the text format.
type Code struct{ B []byte }

// AppendUint appends an unsigned number in its shortest form.
func AppendUint(b []byte, v uint64) []byte { return binary.AppendUvarint(b, v) }

// AppendInt appends a signed number in its shortest form.
func AppendInt(b []byte, v int64) []byte {
	for {
		c := byte(v & 0x7f)
		v >>= 7
		if v == 0 && c&0x40 == 0 || v == -1 && c&0x40 != 0 {
			return append(b, c)
		}
		b = append(b, c|0x80)
	}
}

func appendOp(b []byte, o Opcode) []byte {
	if o < 0x100 {
		return append(b, byte(o))
	}
	return AppendUint(append(b, byte(o>>8)), uint64(o&0xff))
}

// Op appends instructions without immediates.
func (c *Code) Op(ops ...Opcode) *Code {
	for _, o := range ops {
		c.B = appendOp(c.B, o)
	}
	return c
}

// Index appends an instruction with an index or label.
func (c *Code) Index(o Opcode, i uint32) *Code {
	c.B = AppendUint(appendOp(c.B, o), uint64(i))
	return c
}

// Get appends local.get.
func (c *Code) Get(local uint32) *Code { return c.Index(OpLocalGet, local) }

// Set appends local.set.
func (c *Code) Set(local uint32) *Code { return c.Index(OpLocalSet, local) }

// Call appends a call.
func (c *Code) Call(f uint32) *Code { return c.Index(OpCall, f) }

// I32 appends i32.const.
func (c *Code) I32(v int32) *Code {
	c.B = AppendInt(append(c.B, byte(OpI32Const)), int64(v))
	return c
}

// I64 appends i64.const.
func (c *Code) I64(v int64) *Code {
	c.B = AppendInt(append(c.B, byte(OpI64Const)), v)
	return c
}

// Memory appends a load or store at a constant offset, with no alignment hint.
func (c *Code) Memory(o Opcode, offset uint32) *Code {
	c.B = AppendUint(append(appendOp(c.B, o), 0), uint64(offset))
	return c
}

// Block appends block, loop or if without parameters and results.
func (c *Code) Block(o Opcode) *Code {
	c.B = append(c.B, byte(o), 0x40)
	return c
}

// Copy appends memory.copy.
func (c *Code) Copy() *Code {
	c.B = append(appendOp(c.B, OpMemoryCopy), 0, 0)
	return c
}

// Body appends end and returns a body with these locals.
func (c *Code) Body(locals ...Locals) Body {
	return Body{Locals: locals, Code: append(c.B, byte(OpEnd))}
}
