// Package text handles Candid values that no generated code knows: it prints messages as
// Candid text and makes messages from text, at the types of a .did file.
//
// Command lines call it to let people write arguments and read replies, and the dao to
// render what a proposal would execute. Generated code and [candid] do the same for
// types known at build time, at a fraction of the cost.
//
//	program, err := did.Parse(marketapi.DID)
//	line, err := text.PrintArgs(program, "withdraw", arg) // (record { to = principal "…"; amount = 5 })
package text

import (
	"fmt"

	"assay/ic/candid/did"
)

// PrintArgs prints a message of a method's arguments. An error says that the method does
// not exist or does not take this message.
func PrintArgs(p *did.Program, method string, msg []byte) (string, error) {
	s, err := signature(p, method)
	if err != nil {
		return "", err
	}
	return printAt(p, s.Args, msg, method+" arguments")
}

// PrintResults prints a message of a method's results.
func PrintResults(p *did.Program, method string, msg []byte) (string, error) {
	s, err := signature(p, method)
	if err != nil {
		return "", err
	}
	return printAt(p, s.Results, msg, method+" results")
}

// PrintInit prints a message of the constructor's arguments.
func PrintInit(p *did.Program, msg []byte) (string, error) {
	return printAt(p, p.Init, msg, "init arguments")
}

// ParseArgs makes the message of a method's arguments from Candid text such as
// (record { to = principal "aaaaa-aa"; amount = 5 }).
func ParseArgs(p *did.Program, method, source string) ([]byte, error) {
	s, err := signature(p, method)
	if err != nil {
		return nil, err
	}
	return parseAt(p, s.Args, source)
}

// ParseInit makes the message of the constructor's arguments from Candid text.
func ParseInit(p *did.Program, source string) ([]byte, error) { return parseAt(p, p.Init, source) }

func signature(p *did.Program, method string) (*did.Signature, error) {
	if s, ok := p.Method(method); ok {
		return s, nil
	}
	return nil, fmt.Errorf("no method is called %q", method)
}

func types(args []did.Arg) []*did.Type {
	ts := make([]*did.Type, len(args))
	for i, a := range args {
		ts[i] = a.Type
	}
	return ts
}

func printAt(p *did.Program, args []did.Arg, msg []byte, what string) (string, error) {
	values, err := Decode(p, types(args), msg, what)
	if err != nil {
		return "", err
	}
	return Print(values), nil
}

func parseAt(p *did.Program, args []did.Arg, source string) ([]byte, error) {
	values, err := Parse(source)
	if err != nil {
		return nil, err
	}
	values, err = Fit(p, types(args), values)
	if err != nil {
		return nil, err
	}
	return Encode(p, types(args), values)
}
