// Command cost is a canister that measures what its messages cost to read and write.
package main

import (
	"encoding/binary"

	"assay/canisters/market/marketapi"
	"assay/ic/candid"
	"assay/ic/cdk"
)

func init() {
	cdk.Serve(cdk.Program{Methods: []candid.Method[*cdk.Message]{
		{Name: "submit", Handle: measure(marketapi.DecodeSubmitArgs, marketapi.EncodeSubmitArgs)},
		{Name: "job", Handle: measure(marketapi.DecodeJobResults, marketapi.EncodeJobResults)},
	}})
}

// measure replies with the instructions of decoding the argument and of encoding what it held.
func measure[T any](decode func([]byte) (T, error), encode func(T) ([]byte, error)) func(*cdk.Message, []byte) ([]byte, error) {
	return func(m *cdk.Message, arg []byte) ([]byte, error) {
		start := m.Instructions()
		v, err := decode(arg)
		if err != nil {
			return nil, err
		}
		decoded := m.Instructions()
		if _, err := encode(v); err != nil {
			return nil, err
		}
		encoded := m.Instructions()
		return binary.LittleEndian.AppendUint64(binary.LittleEndian.AppendUint64(nil, decoded-start), encoded-decoded), nil
	}
}

func main() {}
