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

// measure replies with the instructions of decoding the argument the first time in a
// message, which makes the stack grow, of doing it again, and of encoding what it held.
func measure[T any](decode func([]byte) (T, error), encode func(T) ([]byte, error)) func(*cdk.Message, []byte) ([]byte, error) {
	return func(m *cdk.Message, arg []byte) ([]byte, error) {
		laps := []uint64{m.Instructions()}
		if _, err := decode(arg); err != nil {
			return nil, err
		}
		laps = append(laps, m.Instructions())
		v, err := decode(arg)
		laps = append(laps, m.Instructions())
		if err != nil {
			return nil, err
		}
		if _, err := encode(v); err != nil {
			return nil, err
		}
		laps = append(laps, m.Instructions())
		var reply []byte
		for i := range laps[1:] {
			reply = binary.LittleEndian.AppendUint64(reply, laps[i+1]-laps[i])
		}
		return reply, nil
	}
}

func main() {}
