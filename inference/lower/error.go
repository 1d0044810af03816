package lower

import (
	"errors"
	"fmt"
	"strconv"
)

// What can be wrong; an [*Error] wraps exactly one of these.
var (
	// ErrUnsupported: an operator, attribute, form or element type that Assay-IR does not have.
	ErrUnsupported = errors.New("not supported")
	// ErrModel: nodes and values do not fit together.
	ErrModel = errors.New("does not fit")
	// ErrLimit: the model is too large, or grows too large when it is computed beforehand.
	ErrLimit = errors.New("over a limit")
)

// Error says which node of the model cannot be lowered, and why.
type Error struct {
	Kind     error
	Node, Op string
	Reason   string
	cause    error
}

func (e *Error) Error() string {
	text := "lower: "
	if e.Op != "" {
		text += e.Op + " "
	}
	if e.Node != "" {
		text += "node " + strconv.Quote(e.Node) + ": "
	}
	return text + e.Kind.Error() + ": " + e.Reason
}

// Unwrap gives the kind, and the executor's error when it refused to compute a node beforehand.
func (e *Error) Unwrap() []error {
	if e.cause != nil {
		return []error{e.Kind, e.cause}
	}
	return []error{e.Kind}
}

func sprintf(format string, args ...any) string { return fmt.Sprintf(format, args...) }

func unsupported(format string, args ...any) error {
	return &Error{Kind: ErrUnsupported, Reason: sprintf(format, args...)}
}

func misfit(format string, args ...any) error {
	return &Error{Kind: ErrModel, Reason: sprintf(format, args...)}
}

// inNode adds the node to an error that has none.
func inNode(err error, name, op string) error {
	var e *Error
	if errors.As(err, &e) && e.Op == "" {
		e.Node, e.Op = name, op
	}
	return err
}
