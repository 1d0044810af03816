// Command assay is the one binary: the demo, the local stack, the user's verbs, the
// provider's daemon and the canister builder.
package main

import (
	"context"
	"os"
	"os/signal"
	"syscall"

	"assay/cmd/assay/cli"
)

func main() {
	// A reader that goes away, as in `assay demo | head`, ends the work in order too.
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM, syscall.SIGHUP, syscall.SIGPIPE)
	code := cli.Main(ctx, os.Args[1:], os.Stdin, os.Stdout, os.Stderr)
	stop()
	os.Exit(code)
}
