// Package assay carries the sources of the canister kit, so that `assay canister new` can
// put them beside a canister outside this repository while the module is unpublished. It
// lies at the root because go:embed reaches only down.
package assay

import "embed"

// Kit holds the folders with the packages that canisters and their tests are written with,
// and those that these import; go.mod and go.sum name the outside modules. Which files of
// it a project gets is decided in cmd/assay/project. The stand-ins of the network's own
// canisters are here for cmd/assay/standins, which builds them wherever the binary runs.
//
//go:embed go.mod go.sum LICENSE
//go:embed ic internal/cache
//go:embed canisters/ledger canisters/standins
var Kit embed.FS
