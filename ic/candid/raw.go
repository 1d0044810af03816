package candid

// Raw reads a value of any type and returns a message of it alone, for readers that hand
// values on whose types they do not know. The decoder must come from [NewDecoder]: one of
// a known header keeps no type table to copy.
func (d *Decoder) Raw(t Type) []byte {
	start := d.pos
	d.skip(t)
	if d.err == nil && d.tableEnd == 0 {
		d.fail(Malformed, "no type table to copy")
	}
	if d.err != nil || t == TypeMissing {
		return nil
	}
	msg := make([]byte, 0, d.tableEnd+d.pos-start+6)
	msg = append(msg, d.buf[:d.tableEnd]...)
	msg = appendType(append(msg, 1), t)
	return append(msg, d.buf[start:d.pos]...)
}

// appendType appends a type in signed LEB128.
func appendType(b []byte, t Type) []byte {
	for ; t < -64 || t > 63; t >>= 7 {
		b = append(b, byte(t)|0x80)
	}
	return append(b, byte(t)&0x7f)
}
