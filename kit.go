// Package assay carries the sources of the canister kit, so that `assay canister new` can
// put them beside a canister outside this repository while the module is unpublished. It
// lies at the root because go:embed reaches only down.
package assay

import "embed"

// Kit holds the packages that canisters and their tests are written with and all that
// these import, tests included where they lie beside; go.mod and go.sum name the outside
// modules. A test of cmd/assay/project compares it with what the go command lists.
//
//go:embed go.mod go.sum LICENSE
//go:embed ic/principal/*.go ic/certificate/hashtree/*.go
//go:embed ic/candid/*.go ic/candid/internal/lex/*.go ic/candid/did/*.go ic/candid/gen/*.go ic/candid/candidgen/*.go ic/candid/text/*.go
//go:embed ic/cdk/*.go ic/cdk/system/*.go ic/cdk/stable/*.go ic/cdk/certified/*.go ic/cdk/cdktest/*.go ic/canistertest/*.go
//go:embed ic/management/managementapi/*.go ic/wasm/module/*.go ic/wasm/link/*.go ic/wasm/meter/*.go ic/wasm/build/*.go
//go:embed ic/replica/*.go ic/replica/cycles/*.go ic/replica/disk/*.go ic/replica/host/*.go ic/replica/state/*.go internal/cache/*.go
var Kit embed.FS
