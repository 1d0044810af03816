package shape

// Eval gives the value once every symbol has one. It is false when a symbol is missing, the numbers grow too large,
// or dimensions that were to be stretched to each other do not fit.
func (e Expr) Eval(sizes func(symbol string) (int64, bool)) (int64, bool) {
	sum := int64(0)
	for _, t := range e.terms {
		v := t.coef
		for _, a := range t.atoms {
			x, ok := a.eval(sizes)
			if !ok {
				return 0, false
			}
			if v, ok = mul64(v, x); !ok {
				return 0, false
			}
		}
		var ok bool
		if sum, ok = add64(sum, v); !ok {
			return 0, false
		}
	}
	return sum, true
}

func (a *atom) eval(sizes func(string) (int64, bool)) (int64, bool) {
	if a.op == opSymbol {
		return sizes(a.text)
	}
	x, ok := a.a.Eval(sizes)
	if !ok {
		return 0, false
	}
	y, ok := a.b.Eval(sizes)
	if !ok {
		return 0, false
	}
	switch a.op {
	case opFloor, opMod:
		if y <= 0 {
			return 0, false
		}
		q := floorConst(x, y)
		if a.op == opMod {
			return x - q*y, true
		}
		return q, true
	case opMin:
		return min(x, y), true
	case opMax:
		return max(x, y), true
	}
	switch {
	case x == y, y == 1:
		return x, true
	case x == 1:
		return y, true
	}
	return 0, false
}

// Symbols calls visit with the name of every symbol that the value depends on, repeated ones too.
func (e Expr) Symbols(visit func(name string)) {
	for _, t := range e.terms {
		for _, a := range t.atoms {
			if a.op == opSymbol {
				visit(a.text)
				continue
			}
			a.a.Symbols(visit)
			a.b.Symbols(visit)
		}
	}
}
