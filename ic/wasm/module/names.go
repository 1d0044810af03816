package module

// FuncNamed looks a function up in the name section, which compilers write for
// debuggers. It is false without one, or if it cannot be read that far.
func (m *Module) FuncNamed(name string) (uint32, bool) {
	for _, c := range m.Customs {
		if c.Name == "name" {
			return funcNamed(c.Bytes, name)
		}
	}
	return 0, false
}

func funcNamed(b []byte, name string) (uint32, bool) {
	const functions = 1 // the subsection of function names
	r := &reader{b: b}
	for r.left() > 0 && r.err == nil {
		id := r.u8()
		s := &reader{b: r.take(int(r.u32()))}
		if id != functions {
			continue
		}
		for n := s.u32(); n > 0 && s.err == nil; n-- {
			f, have := s.u32(), s.name()
			if have == name && s.err == nil {
				return f, true
			}
		}
	}
	return 0, false
}
