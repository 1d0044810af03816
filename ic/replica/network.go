// Package replica is an embedded network of the Internet Computer: one subnet, one
// process, no consensus.
//
// cmd/assay and tests open a [Network], hand it ingress messages and queries (over
// HTTP: ic/replica/door) and let [Network.Run] execute rounds. It is handed Wasm and
// knows nothing of what the canisters are for. The state machine is in
// ic/replica/state, system calls in ic/replica/host, what survives a clean stop in
// ic/replica/disk.
package replica

import (
	"context"

	"assay/ic/replica/state"
)

func open(config Config) (*Network, error) {
	return &Network{machine: &state.Machine{}, config: config}, nil
}

func (n *Network) run(ctx context.Context) error {
	<-ctx.Done()
	return n.close()
}

func (n *Network) close() error { return nil }
