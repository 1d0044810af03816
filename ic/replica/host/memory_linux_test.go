package host

// useOldKernel makes memory read the page tables entry by entry.
func useOldKernel(b backing) { b.(*mapped).pages.scan = false }
