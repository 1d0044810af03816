package state

import (
	"fmt"

	"assay/ic/management/managementapi"
	"assay/ic/principal"
	"assay/ic/replica/host"
)

// senderVersions reads the sender's version from the arguments of the management calls
// that carry one. A version that cannot be read is nil.
var senderVersions = map[string]func(arg []byte) *uint64{
	"create_canister": func(arg []byte) *uint64 {
		v, _ := managementapi.DecodeCreateCanisterArgs(arg)
		return v.SenderCanisterVersion
	},
	"update_settings": func(arg []byte) *uint64 {
		v, _ := managementapi.DecodeUpdateSettingsArgs(arg)
		return v.SenderCanisterVersion
	},
	"install_code": func(arg []byte) *uint64 {
		v, _ := managementapi.DecodeInstallCodeArgs(arg)
		return v.SenderCanisterVersion
	},
	"uninstall_code": func(arg []byte) *uint64 {
		v, _ := managementapi.DecodeUninstallCodeArgs(arg)
		return v.SenderCanisterVersion
	},
	"provisional_create_canister_with_cycles": func(arg []byte) *uint64 {
		v, _ := managementapi.DecodeProvisionalCreateCanisterWithCyclesArgs(arg)
		return v.SenderCanisterVersion
	},
}

// checkSenderVersions traps a message that tells the management canister another version
// of its canister than the one that it ran in.
func checkSenderVersions(calls []host.Call, version uint64) *host.Trap {
	for _, c := range calls {
		read := senderVersions[c.Method]
		if c.Callee != principal.Management || read == nil {
			continue
		}
		if v := read(c.Arg); v != nil && *v != version {
			return &host.Trap{Code: CodeEngine, Message: fmt.Sprintf(
				"Management canister call payload includes sender canister version %d that does not match the actual sender canister version %d.", *v, version)}
		}
	}
	return nil
}
