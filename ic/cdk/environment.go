package cdk

import (
	"fmt"

	"assay/ic/cdk/system"
	"assay/ic/principal"
)

// Environment is the value of one of the canister's environment variables, which its
// controllers set; false if there is none of the name.
func (m *Message) Environment(name string) (string, bool) {
	if !m.valid() || len(name) > system.MaxEnvironment {
		return "", false
	}
	v, ok := m.in.sys.Environment([]byte(name))
	return string(v), ok
}

// peerVariable is how the icp client names the variable with another canister's id.
const peerVariable = "PUBLIC_CANISTER_ID:"

// Peer is the id of another canister of the same project, by its name there: the icp client
// gives every canister that it deploys the ids of all.
func (m *Message) Peer(name string) (principal.Principal, error) {
	text, ok := m.Environment(peerVariable + name)
	if !ok {
		return principal.Principal{}, fmt.Errorf("the environment variable %s%s is not set: it names the canister %s", peerVariable, name, name)
	}
	id, err := principal.Parse(text)
	if err != nil {
		return principal.Principal{}, fmt.Errorf("environment variable %s%s: %w", peerVariable, name, err)
	}
	return id, nil
}

// NoArgument reports whether the argument of an installation says nothing: no bytes, or a
// Candid message without values.
func NoArgument(arg []byte) bool { return len(arg) == 0 || string(arg) == "DIDL\x00\x00" }
