package shape

import (
	"math"
	"slices"
	"strconv"
	"strings"
)

// Expr is a whole number that may depend on symbols: a polynomial of [Symbol]s and of operations that no polynomial
// expresses, such as floor divisions. Its form is canonical: equal polynomials are equal texts. The zero value is the number 0.
type Expr struct {
	terms []term // by descending degree, then by text; no coefficient is zero
}

// term is a coefficient times a product of atoms.
type term struct {
	coef  int64
	atoms []*atom // sorted by text, repeated for powers
}

// atom is what a polynomial does not look into: a symbol or an operation.
type atom struct {
	text string
	op   operation
	a, b Expr  // operands
	low  int64 // no value is smaller
	data bool  // depends on the values of tensors, not on their shapes alone
}

type operation uint8

const (
	opSymbol operation = iota
	opFloor            // floor(a/b), b > 0
	opMin
	opMax
	opBroadcast // the size of two dimensions that are equal or of which one is 1
	opMod       // a - b*floor(a/b), b > 0
)

var operationNames = [...]string{opFloor: "floor", opMin: "min", opMax: "max", opBroadcast: "broadcast", opMod: "mod"}

// The room one expression may take; what would be larger becomes a fresh symbol.
const (
	maxTerms  = 24
	maxDegree = 8
	maxText   = 512
)

// anyLow is the bound of a value that may be anything.
const anyLow = math.MinInt64

// Const is a plain number.
func Const(v int64) Expr {
	if v == 0 {
		return Expr{}
	}
	return Expr{terms: []term{{coef: v}}}
}

// Symbol is a named size. Sizes that a file names are taken to be at least 1.
func Symbol(name string) Expr { return symbol(name, 1, false) }

func symbol(name string, low int64, data bool) Expr {
	return single(&atom{text: name, low: low, data: data})
}

func single(a *atom) Expr { return Expr{terms: []term{{coef: 1, atoms: []*atom{a}}}} }

// Const gives the value of an expression without symbols.
func (e Expr) Const() (v int64, ok bool) {
	switch {
	case len(e.terms) == 0:
		return 0, true
	case len(e.terms) == 1 && len(e.terms[0].atoms) == 0:
		return e.terms[0].coef, true
	}
	return 0, false
}

func (e Expr) is(v int64) bool {
	c, ok := e.Const()
	return ok && c == v
}

// Equal reports whether two expressions are the same polynomial.
func (e Expr) Equal(o Expr) bool {
	return slices.EqualFunc(e.terms, o.terms, func(a, b term) bool { return a.coef == b.coef && compareTerms(a, b) == 0 })
}

// DataDependent reports whether the value depends on what tensors hold and not on shapes alone.
func (e Expr) DataDependent() bool {
	for _, t := range e.terms {
		for _, a := range t.atoms {
			if a.data || a.op != opSymbol && (a.a.DataDependent() || a.b.DataDependent()) {
				return true
			}
		}
	}
	return false
}

// compareTerms orders by descending degree, then by the atoms' texts; the coefficient does not count.
func compareTerms(a, b term) int {
	if d := len(b.atoms) - len(a.atoms); d != 0 {
		return d
	}
	return slices.CompareFunc(a.atoms, b.atoms, func(x, y *atom) int {
		if x.op == opSymbol != (y.op == opSymbol) { // a symbol named like an operation is not the operation
			return int(min(x.op, 1)) - int(min(y.op, 1))
		}
		return strings.Compare(x.text, y.text)
	})
}

// String writes the expression: "2*batch*seq + 1".
func (e Expr) String() string {
	if len(e.terms) == 0 {
		return "0"
	}
	var text strings.Builder
	for i, t := range e.terms {
		coef := t.coef
		switch {
		case i > 0 && coef < 0:
			text.WriteString(" - ")
			coef = -coef
		case i > 0:
			text.WriteString(" + ")
		case coef == -1 && len(t.atoms) > 0:
			text.WriteString("-")
			coef = 1
		}
		if coef != 1 || len(t.atoms) == 0 {
			text.WriteString(strconv.FormatInt(coef, 10))
		}
		for j, a := range t.atoms {
			if j > 0 || coef != 1 {
				text.WriteString("*")
			}
			text.WriteString(a.text)
		}
	}
	return text.String()
}

// Low is a number that the value never goes below; false when none is known.
func (e Expr) Low() (int64, bool) {
	sum := int64(0)
	for _, t := range e.terms {
		low := t.coef
		for _, a := range t.atoms {
			if t.coef < 0 || a.low < 0 {
				return 0, false
			}
			var ok bool
			if low, ok = mul64(low, a.low); !ok {
				return 0, false
			}
		}
		var ok bool
		if sum, ok = add64(sum, low); !ok {
			return 0, false
		}
	}
	return sum, true
}

// atLeast reports whether e >= o for every value of the symbols, as far as bounds show.
func (e Expr) atLeast(o Expr) bool {
	if d, ok := sub(e, o); ok {
		if low, ok := d.Low(); ok && low >= 0 {
			return true
		}
	}
	if t, ok := o.atom(); ok && t.op == opMin {
		return e.atLeast(t.a) || e.atLeast(t.b)
	}
	if t, ok := e.atom(); ok && t.op == opMax {
		return t.a.atLeast(o) || t.b.atLeast(o)
	}
	return false
}

// atom gives the one atom that the expression is.
func (e Expr) atom() (*atom, bool) {
	if len(e.terms) == 1 && e.terms[0].coef == 1 && len(e.terms[0].atoms) == 1 {
		return e.terms[0].atoms[0], true
	}
	return nil, false
}

// atLeastConst is atLeast for a number.
func (e Expr) atLeastConst(v int64) bool { return e.atLeast(Const(v)) }

func add64(a, b int64) (int64, bool) {
	c := a + b
	return c, (c > a) == (b > 0)
}

func mul64(a, b int64) (int64, bool) {
	if a == 0 || b == 0 {
		return 0, true
	}
	c := a * b
	return c, c/b == a && !(a == -1 && b == math.MinInt64) && !(b == -1 && a == math.MinInt64)
}
