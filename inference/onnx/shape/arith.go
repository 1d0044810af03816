package shape

import (
	"slices"
	"strings"
)

// Every operation is false when the result would be too large, in numbers or in terms.

func add(a, b Expr) (Expr, bool) { return combine(a, b, 1) }

func sub(a, b Expr) (Expr, bool) { return combine(a, b, -1) }

// combine is a + sign*b, by merging the sorted terms.
func combine(a, b Expr, sign int64) (Expr, bool) {
	var out []term
	x, y := a.terms, b.terms
	for len(x) > 0 || len(y) > 0 {
		order := -1
		switch {
		case len(x) == 0:
			order = 1
		case len(y) > 0:
			order = compareTerms(x[0], y[0])
		}
		t := term{}
		if order <= 0 {
			t = x[0]
			x = x[1:]
		}
		if order >= 0 {
			c, ok := mul64(sign, y[0].coef)
			if !ok {
				return Expr{}, false
			}
			if t.coef, ok = add64(t.coef, c); !ok {
				return Expr{}, false
			}
			t.atoms = y[0].atoms
			y = y[1:]
		}
		if t.coef != 0 {
			out = append(out, t)
		}
	}
	return Expr{terms: out}, len(out) <= maxTerms
}

func mul(a, b Expr) (Expr, bool) {
	var sum Expr
	for _, x := range a.terms {
		row := make([]term, 0, len(b.terms))
		for _, y := range b.terms {
			c, ok := mul64(x.coef, y.coef)
			if !ok || len(x.atoms)+len(y.atoms) > maxDegree {
				return Expr{}, false
			}
			row = append(row, term{coef: c, atoms: product(x.atoms, y.atoms)})
		}
		slices.SortFunc(row, compareTerms)
		var ok bool
		if sum, ok = add(sum, Expr{terms: row}); !ok {
			return Expr{}, false
		}
	}
	return sum, true
}

func product(a, b []*atom) []*atom {
	if len(a) == 0 || len(b) == 0 {
		return append(a[:len(a):len(a)], b...)
	}
	out := append(a[:len(a):len(a)], b...)
	slices.SortFunc(out, func(x, y *atom) int {
		return compareTerms(term{atoms: []*atom{x}}, term{atoms: []*atom{y}})
	})
	return out
}

// divide is a/b when that is a polynomial, by long division.
func divide(a, b Expr) (Expr, bool) {
	if len(b.terms) == 0 {
		return Expr{}, false
	}
	var quotient Expr
	for rounds := 0; len(a.terms) > 0; rounds++ {
		t, ok := divideTerm(a.terms[0], b.terms[0])
		if !ok || rounds > maxTerms {
			return Expr{}, false
		}
		part := Expr{terms: []term{t}}
		step, ok := mul(part, b)
		if !ok {
			return Expr{}, false
		}
		if a, ok = sub(a, step); !ok {
			return Expr{}, false
		}
		if quotient, ok = add(quotient, part); !ok {
			return Expr{}, false
		}
	}
	return quotient, true
}

func divideTerm(a, b term) (term, bool) {
	if a.coef%b.coef != 0 || b.coef == -1 && a.coef != -(-a.coef) {
		return term{}, false
	}
	rest := slices.Clone(a.atoms)
	for _, f := range b.atoms {
		i := slices.IndexFunc(rest, func(x *atom) bool { return x.text == f.text && x.op == f.op })
		if i < 0 {
			return term{}, false
		}
		rest = slices.Delete(rest, i, i+1)
	}
	return term{coef: a.coef / b.coef, atoms: rest}, true
}

// floorDiv is floor(a/b). It is false as well when b may be zero or negative.
func floorDiv(a, b Expr) (Expr, bool) {
	if !b.atLeastConst(1) {
		return Expr{}, false
	}
	if q, ok := divide(a, b); ok {
		return q, true
	}
	x, aConst := a.Const()
	y, bConst := b.Const()
	if aConst && bConst {
		return Const(floorConst(x, y)), true
	}
	if bConst { // terms that the divisor divides leave the floor
		var out, rest Expr
		for _, t := range a.terms {
			q, r := floorConst(t.coef, y), t.coef-y*floorConst(t.coef, y)
			out, _ = add(out, Expr{terms: nonzero(term{q, t.atoms})})
			rest, _ = add(rest, Expr{terms: nonzero(term{r, t.atoms})})
		}
		low := int64(anyLow)
		if l, ok := rest.Low(); ok {
			low = floorConst(l, y)
		}
		if inner, ok := opaque(opFloor, rest, b, low); ok {
			return add(out, inner)
		}
		return Expr{}, false
	}
	low := int64(anyLow)
	if l, ok := a.Low(); ok && l >= 0 {
		low = 0
	}
	return opaque(opFloor, a, b, low)
}

func nonzero(t term) []term {
	if t.coef == 0 {
		return nil
	}
	return []term{t}
}

func floorConst(a, b int64) int64 {
	q := a / b
	if a%b != 0 && (a < 0) != (b < 0) {
		q--
	}
	return q
}

// ceilDiv is ceil(a/b) = floor((a + b - 1)/b).
func ceilDiv(a, b Expr) (Expr, bool) {
	sum, ok := add(a, b)
	if !ok {
		return Expr{}, false
	}
	if sum, ok = sub(sum, Const(1)); !ok {
		return Expr{}, false
	}
	return floorDiv(sum, b)
}

// mod is a - b*floor(a/b) for positive b.
func mod(a, b Expr) (Expr, bool) {
	if !b.atLeastConst(1) {
		return Expr{}, false
	}
	if _, ok := divide(a, b); ok {
		return Expr{}, true
	}
	x, aConst := a.Const()
	y, bConst := b.Const()
	if aConst && bConst {
		return Const(x - y*floorConst(x, y)), true
	}
	return opaque(opMod, a, b, 0)
}

func minimum(a, b Expr) (Expr, bool) {
	switch {
	case a.atLeast(b):
		return b, true
	case b.atLeast(a):
		return a, true
	}
	low := int64(anyLow)
	x, aOK := a.Low()
	y, bOK := b.Low()
	if aOK && bOK {
		low = min(x, y)
	}
	return opaque(opMin, a, b, low)
}

func maximum(a, b Expr) (Expr, bool) {
	switch {
	case a.atLeast(b):
		return a, true
	case b.atLeast(a):
		return b, true
	}
	low := int64(anyLow)
	if l, ok := a.Low(); ok {
		low = l
	}
	if l, ok := b.Low(); ok {
		low = max(low, l)
	}
	return opaque(opMax, a, b, low)
}

// broadcast is the size of two dimensions stretched to each other; false as well when they do not fit.
func broadcast(a, b Expr) (out Expr, fits, ok bool) {
	x, aConst := a.Const()
	y, bConst := b.Const()
	switch {
	case a.Equal(b), bConst && y == 1:
		return a, true, true
	case aConst && x == 1:
		return b, true, true
	case aConst && bConst:
		return Expr{}, false, true
	case aConst: // b is 1 or the same
		return a, true, true
	case bConst:
		return b, true, true
	case stretches(a, b):
		return a, true, true
	case stretches(b, a):
		return b, true, true
	}
	out, ok = opaque(opBroadcast, a, b, 0)
	return out, true, ok
}

// stretches reports whether a is the result of stretching a and b to each other, if they fit at all: it is so when a
// is never smaller than b, which is at least 1, and when b was stretched into a before.
func stretches(a, b Expr) bool {
	if b.atLeastConst(1) && a.atLeast(b) {
		return true
	}
	t, ok := a.atom()
	return ok && t.op == opBroadcast && (t.a.Equal(b) || t.b.Equal(b))
}

func isConst(e Expr) bool { _, ok := e.Const(); return ok }

// opaque makes an atom of an operation. Operands of commutative ones are put in order.
func opaque(op operation, a, b Expr, low int64) (Expr, bool) {
	x, y := a.String(), b.String()
	if op != opFloor && op != opMod && strings.Compare(x, y) > 0 {
		a, b, x, y = b, a, y, x
	}
	between := ", "
	if op == opFloor {
		between = " / "
		if len(a.terms) > 1 {
			x = "(" + x + ")"
		}
		if _, single := b.atom(); !single && !isConst(b) {
			y = "(" + y + ")"
		}
	}
	text := operationNames[op] + "(" + x + between + y + ")"
	if len(text) > maxText {
		return Expr{}, false
	}
	return single(&atom{text: text, op: op, a: a, b: b, low: low}), true
}
