package cdk

import (
	"assay/ic/cdk/stable"
	"assay/ic/cdk/system"
)

// hostMemory is the canister's stable memory.
func hostMemory(system.API) stable.Memory { return &system.Stable{Full: stable.ErrFull} }
