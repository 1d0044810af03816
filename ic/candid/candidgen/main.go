// Command candidgen writes a Go package from a Candid .did file, for `go generate`:
//
//	go run assay/ic/candid/candidgen -did ../market.did -pkg marketapi -out api_gen.go
package main

import (
	"flag"
	"fmt"
	"io"
	"os"

	"assay/ic/candid/gen"
)

func main() { os.Exit(run(os.Args[1:], os.Stderr)) }

func run(args []string, stderr io.Writer) int {
	flags := flag.NewFlagSet("candidgen", flag.ContinueOnError)
	flags.SetOutput(stderr)
	did := flags.String("did", "", "the .did `file` to read")
	pkg := flags.String("pkg", "", "name of the Go `package` to write")
	out := flags.String("out", "api_gen.go", "the Go `file` to write")
	if err := flags.Parse(args); err != nil {
		return 2
	}
	if *did == "" || *pkg == "" || flags.NArg() > 0 {
		fmt.Fprintln(stderr, "candidgen: -did and -pkg are needed, and nothing beside flags")
		return 2
	}
	source, err := gen.File(*did, *pkg)
	if err == nil {
		err = os.WriteFile(*out, source, 0o644)
	}
	if err != nil {
		fmt.Fprintln(stderr, "candidgen:", err)
		return 1
	}
	return 0
}
