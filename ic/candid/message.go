package candid

// EncodeOne makes a message of one value behind its header; what names it in errors.
func EncodeOne[T any](what, header string, v *T, put func(*Encoder, *T)) ([]byte, error) {
	e := NewEncoder(header)
	put(e, v)
	return e.Finish(what)
}

// DecodeOne reads a message of one value; what names it in errors.
func DecodeOne[T any](what string, msg []byte, get func(*Decoder, Type, *T)) (v T, err error) {
	d := NewDecoder(msg)
	get(d, d.Arg(), &v)
	return v, d.Finish(what)
}
