package module

// Limits of [Parse]. They bound memory, and are wider than what a network accepts
// where a linker shrinks things first: Go's raw output has tens of thousands of data
// segments.
const (
	MaxModule   = 100 << 20 // bytes of a module
	maxName     = 100_000   // bytes of one name
	maxTypes    = 1_000_000
	maxParams   = 1_000 // parameters, and results, of one type
	maxImports  = 100_000
	maxFuncs    = 1_000_000
	maxTables   = 100
	maxMemories = 1
	maxGlobals  = 100_000
	maxExports  = 100_000
	maxElems    = 100_000   // element segments
	maxItems    = 1_000_000 // items of all element segments together
	maxBody     = 7_654_321 // bytes of one function body
	maxLocals   = 50_000    // of one function
	maxDatas    = 1_000_000 // data segments
	maxCustoms  = 10_000
	maxTargets  = 65_520 // of one br_table
)
