package exact

import "assay/inference/exact/internal/kernel"

// What a multiply-add of a kernel for Wasm takes in a canister, in tenths of an instruction: measured, and a little more.
const (
	floatTenths = 25
	byteTenths  = 10
	blockTenths = 20
)

// tileInstructions is what a call of a kernel costs at most, for four rows by the columns of a panel and a block of k, with
// what is done to a few finished rows.
const tileInstructions = 900

// productInstructions is what products by kernels take at most: batch of them, m rows by k by n each. Whole panels of
// columns are computed.
func productInstructions(batch, m, k, n int, tenths int64) int64 {
	panels, blocks := (n+panelWidth-1)/panelWidth, (k+kernel.BlockDepth-1)/kernel.BlockDepth
	return min(macs(batch, m, k, panels, panelWidth), 1<<58)/10*tenths + tileInstructions*min(macs(batch, (m+3)/4, panels, max(1, blocks)), 1<<50)
}
