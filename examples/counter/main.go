// Command counter is the smallest useful canister: a number in stable memory, which an
// upgrade leaves as it is.
package main

import (
	"encoding/binary"
	"errors"

	"assay/examples/counter/counterapi"
	"assay/ic/cdk"
)

const regionCount = cdk.FirstRegion // a map of one entry

var key = []byte("count")

func program() cdk.Program {
	return cdk.Program{Methods: counterapi.Methods[*cdk.Message](edge{})}
}

func init() { cdk.Serve(program()) }

func main() {}

func count() uint64 {
	v, ok := cdk.Map(regionCount).Get(key)
	if !ok {
		return 0
	}
	return binary.BigEndian.Uint64(v)
}

// edge serves counter.did.
type edge struct{}

func (e edge) Increment(m *cdk.Message) (uint64, error) { return e.Add(m, 1) }

func (edge) Add(_ *cdk.Message, n uint64) (uint64, error) {
	sum := count() + n
	if sum < n {
		return 0, errors.New("the counter would overflow")
	}
	return sum, cdk.Map(regionCount).Put(key, binary.BigEndian.AppendUint64(nil, sum))
}

func (edge) Get(*cdk.Message) (uint64, error) { return count(), nil }
