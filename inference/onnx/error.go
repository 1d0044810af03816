package onnx

import (
	"errors"
	"fmt"
)

// What can be wrong with a file; an [*Error] wraps exactly one of these.
var (
	ErrMalformed   = errors.New("malformed")     // not the bytes of an ONNX model, or a broken rule of the format
	ErrLimit       = errors.New("over a limit")  // more than [Limits] allows
	ErrUnsupported = errors.New("not supported") // legal ONNX that this reader refuses
	ErrExternal    = errors.New("file beside the model")
	ErrDangling    = errors.New("undefined value")   // a name is read or declared as output that nothing produces
	ErrDuplicate   = errors.New("duplicate name")    // two definitions of one name
	ErrCycle       = errors.New("cycle")             // a node needs its own output
	ErrOrder       = errors.New("nodes not ordered") // a node reads what a later one produces, without a cycle
)

// Error says what is wrong with a model file and where. A retry with the same bytes fails the same way.
type Error struct {
	Kind   error
	Offset int    // of the byte where reading stopped, or where the node begins; -1 when the fault is in no one place
	Node   string // the node's name, after those of the nodes or the function whose body it is in; empty outside a node
	Reason string

	missing string // the name that nothing visible defines, so that the graph around a body can say more
}

func (e *Error) Error() string {
	text := "onnx: "
	if e.Node != "" {
		text += fmt.Sprintf("node %q: ", e.Node)
	}
	if e.Offset >= 0 {
		text += fmt.Sprintf("at byte %d: ", e.Offset)
	}
	return text + e.Kind.Error() + ": " + e.Reason
}

// Unwrap gives the kind.
func (e *Error) Unwrap() error { return e.Kind }

var sprintf = fmt.Sprintf
