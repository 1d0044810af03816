//go:build !amd64

package main

import (
	"fmt"
	"io"
)

func printLimit(out io.Writer) { fmt.Fprintln(out, "limit of registers: not run: amd64 only") }
