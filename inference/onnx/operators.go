package onnx

import (
	"cmp"
	"slices"
	"strings"
)

// definition is one operator of the generated table.
type definition struct{ domain, name, rows string }

// Signature is the definition of one of ONNX's own operators that an operator set holds.
type Signature struct {
	// Since is the version of the operator set that brought the definition.
	Since int64
	// Same is the version of the first definition whose nodes mean the same under this one: what came later added
	// element types, optional inputs and attributes.
	Same int64
	// How many inputs and outputs a node has at least and at most, counting those left out; -1 is any number.
	MinInputs, MaxInputs, MinOutputs, MaxOutputs int
}

const (
	signatureBytes = 6
	anyNumber      = 255
)

// Operator finds what an operator means in a version of its domain. It is false when that version has no such
// operator, or no longer, and for every operator of domains that are not ONNX's own.
func Operator(domain, name string, version int64) (Signature, bool) {
	at, ok := slices.BinarySearchFunc(definitions[:], definition{domain: domain, name: name}, func(a, b definition) int {
		return cmp.Or(strings.Compare(a.domain, b.domain), strings.Compare(a.name, b.name))
	})
	if !ok {
		return Signature{}, false
	}
	var found Signature
	for rows := definitions[at].rows; len(rows) > 0 && int64(rows[0]) <= version; rows = rows[signatureBytes:] {
		found = Signature{
			Since: int64(rows[0]), MinInputs: int(rows[1]), MaxInputs: atMost(rows[2]),
			MinOutputs: int(rows[3]), MaxOutputs: atMost(rows[4]), Same: int64(rows[5]),
		}
	}
	return found, found.Since > 0 && found.MinInputs != anyNumber
}

func atMost(b byte) int {
	if b == anyNumber {
		return -1
	}
	return int(b)
}

// ours reports whether the domain is one that the table covers.
func ours(domain string) bool { return domain == "" || domain == "ai.onnx.ml" }
