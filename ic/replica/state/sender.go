package state

import (
	"fmt"

	"assay/ic/management/managementapi"
	"assay/ic/principal"
	"assay/ic/replica/host"
)

// checkSenderVersions traps a message that tells the management canister another version
// of its canister than the one that it ran in.
func checkSenderVersions(calls []host.Call, version uint64) *host.Trap {
	for _, c := range calls {
		if c.Callee != principal.Management || !handlers[c.Method].versioned {
			continue
		}
		said, err := managementapi.DecodeSenderVersion(c.Arg) // what cannot be read is refused later
		if v := said.SenderCanisterVersion; err == nil && v != nil && *v != version {
			return &host.Trap{Code: CodeEngine, Message: fmt.Sprintf(
				"Management canister call payload includes sender canister version %d that does not match the actual sender canister version %d.", *v, version)}
		}
	}
	return nil
}
