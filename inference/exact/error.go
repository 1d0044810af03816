package exact

import (
	"errors"
	"fmt"
	"strconv"
)

// What can be wrong; an [*Error] wraps exactly one of these.
var (
	// ErrUnsupported: the model uses an operator, attribute, element type or operator-set version that Assay-IR does
	// not define.
	ErrUnsupported = errors.New("not supported")
	// ErrShape: shapes, element types or operands do not fit an operator: the model's fault, or the input's.
	ErrShape = errors.New("does not fit")
	// ErrInput: a tensor given to Run is missing, not declared so, or holds an index out of range.
	ErrInput = errors.New("bad input")
	// ErrLimit: more memory or work than [Limits] allows.
	ErrLimit = errors.New("over a limit")
	// ErrDynamic: a shape or a number of rounds depends on the data, so no bound holds for every run. Only
	// [Program.Bound] returns it.
	ErrDynamic = errors.New("depends on the data")
)

// Error says which node refused and why. The same model and input always fail the same way: no retry helps.
type Error struct {
	Kind     error
	Node, Op string // empty when the fault lies with a declared input or output
	Reason   string
}

func (e *Error) Error() string {
	text := "exact: "
	if e.Op != "" {
		text += e.Op + " "
	}
	if e.Node != "" {
		text += "node " + strconv.Quote(e.Node) + ": "
	}
	return text + e.Kind.Error() + ": " + e.Reason
}

// Unwrap gives the kind.
func (e *Error) Unwrap() error { return e.Kind }

// inNode adds the node to an error made inside an operator.
func inNode(err error, name, op string) error {
	var e *Error
	if errors.As(err, &e) && e.Node == "" {
		e.Node, e.Op = name, op
	}
	return err
}

func fail(kind error, format string, args ...any) *Error {
	return &Error{Kind: kind, Reason: fmt.Sprintf(format, args...)}
}
