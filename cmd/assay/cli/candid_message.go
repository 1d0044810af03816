package cli

import (
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"math"
	"strconv"
	"strings"

	"github.com/spf13/cobra"

	"assay/ic/candid"
	"assay/ic/candid/did"
	"assay/ic/candid/text"
	"assay/ic/principal"
)

// messageTypes are the flags that say what types a message has.
type messageTypes struct {
	file, method, types string
	init, results       bool
}

func (m *messageTypes) flags(c *cobra.Command, results bool) {
	c.Flags().StringVar(&m.file, "did", "", ".did file whose types are used")
	c.Flags().StringVar(&m.method, "method", "", "method of --did whose arguments they are, or results with --results")
	c.Flags().BoolVar(&m.init, "init", false, "they are the arguments of the constructor of --did")
	c.Flags().StringVar(&m.types, "types", "", "types as text, such as '(nat, opt text)'; they may use names of --did")
	c.Flags().BoolVar(&m.results, "results", results, "the results of --method in place of its arguments")
}

// exclusive is the mistake of giving more than one of some flags.
func exclusive(c *cobra.Command, flags ...string) error {
	var given []string
	for _, f := range flags {
		if c.Flags().Changed(f) {
			given = append(given, "--"+f)
		}
	}
	if len(given) > 1 {
		return withCode(exitUsage, fmt.Errorf("%s cannot go together; see `%s --help`", strings.Join(given, " and "), c.CommandPath()))
	}
	return nil
}

var errNoTypes = errors.New("say the types: --did FILE with --method NAME or --init, or --types '(nat, text)'")

// load is the program and the types that the flags name; errNoTypes if they name none.
func (m *messageTypes) load(c *cobra.Command) (*did.Program, []*did.Type, error) {
	if err := exclusive(c, "method", "init", "types"); err != nil {
		return nil, nil, err
	}
	p, err := did.Parse("")
	if m.file != "" {
		p, err = loadDid(m.file)
	}
	switch {
	case err != nil:
		return nil, nil, err
	case m.types != "":
		types, err := p.ParseTypes(m.types)
		if err != nil {
			return nil, nil, withCode(exitUsage, fmt.Errorf("--types: %w", err))
		}
		return p, types, nil
	case m.method != "" && m.file == "", m.init && m.file == "":
		return nil, nil, withCode(exitUsage, errors.New("--method and --init need --did FILE"))
	case m.init:
		return p, argTypes(p.Init), nil
	case m.method == "":
		return p, nil, errNoTypes
	}
	s, ok := p.Method(m.method)
	if !ok {
		return nil, nil, withCode(exitUnknown, fmt.Errorf("%s has no method %s; it has %s", m.file, m.method, methodNames(p)))
	}
	if m.results {
		return p, argTypes(s.Results), nil
	}
	return p, argTypes(s.Args), nil
}

func argTypes(args []did.Arg) []*did.Type {
	types := make([]*did.Type, len(args))
	for i, a := range args {
		types[i] = a.Type
	}
	return types
}

func methodNames(p *did.Program) string {
	if p.Service == nil || len(p.Service.Methods) == 0 {
		return "none"
	}
	var names []string
	for _, m := range p.Service.Methods {
		names = append(names, m.Name)
	}
	return strings.Join(names, ", ")
}

func (a *app) candidEncode() *cobra.Command {
	var m messageTypes
	var binary bool
	c := &cobra.Command{
		Use: "encode [TEXT]", Short: "Make a message from Candid text",
		Long: `Make a Candid message from text, given as the argument or on stdin. The message is printed in
hexadecimal, with --binary as it is. Unknown fields, missing values and numbers out of range are
mistakes, so that a typing error is not sent as null.`,
		Example: `  assay candid encode --did market.did --method withdraw '(record { to = principal "aaaaa-aa"; amount = 5 })'
  echo '(42, "hi")' | assay candid encode --types '(nat, text)' --binary > message.bin`,
		Args: atMostOne("one argument, in quotes if it has blanks"),
		RunE: func(c *cobra.Command, args []string) error {
			if err := exclusive(c, "binary", "json"); err != nil {
				return err
			}
			p, types, err := m.load(c)
			if errors.Is(err, errNoTypes) {
				return withCode(exitUsage, err)
			}
			if err != nil {
				return err
			}
			source, err := a.argumentOrInput(args)
			if err != nil {
				return err
			}
			msg, err := encodeText(p, types, string(source))
			if err != nil {
				return err
			}
			if binary {
				_, err := a.stdout.Write(msg)
				return err
			}
			return a.print(map[string]any{"hex": hex.EncodeToString(msg), "bytes": len(msg)}, func(w io.Writer) { fmt.Fprintf(w, "%x\n", msg) })
		},
	}
	m.flags(c, false)
	c.Flags().BoolVar(&binary, "binary", false, "write the bytes themselves")
	return a.jsonFlag(c)
}

func encodeText(p *did.Program, types []*did.Type, source string) ([]byte, error) {
	values, err := text.Parse(source)
	if err != nil {
		return nil, err
	}
	if values, err = text.Fit(p, types, values); err != nil {
		return nil, err
	}
	return text.Encode(p, types, values)
}

// argumentOrInput is the one argument, or else what stdin holds.
func (a *app) argumentOrInput(args []string) ([]byte, error) {
	if len(args) == 1 && args[0] != "-" {
		return []byte(args[0]), nil
	}
	return a.readInput("-")
}

func (a *app) candidDecode() *cobra.Command {
	var m messageTypes
	c := &cobra.Command{
		Use: "decode [HEX]", Short: "Print a message as Candid text",
		Long: `Print a Candid message, given in hexadecimal as the argument or on stdin, where its bytes may
also stand as they are. With types it is read as their reader would, and fields have names;
without, it is printed at the types that it carries, where fields are numbers.

As JSON, records are objects, tuples arrays, variants objects of one field, present options
arrays of one element, blobs hexadecimal; nat, int, nat64 and int64 are strings.`,
		Example: `  assay candid decode --did market.did --method submit --results 4449444c…
  assay candid decode 4449444c00017d2a
  assay candid decode --types '(nat)' --json < message.bin`,
		Args: atMostOne("one argument, in quotes if it has blanks"),
		RunE: func(c *cobra.Command, args []string) error {
			p, types, err := m.load(c)
			untyped := errors.Is(err, errNoTypes)
			if err != nil && !untyped {
				return err
			}
			input, err := a.argumentOrInput(args)
			if err != nil {
				return err
			}
			msg, err := messageBytes(input)
			if err != nil {
				return withCode(exitUsage, err)
			}
			var values []text.Value
			if untyped {
				values, err = text.DecodeUntyped(msg)
			} else {
				values, err = text.Decode(p, types, msg, "message")
			}
			if err != nil {
				return err
			}
			views := make([]any, len(values))
			for i, v := range values {
				views[i] = viewValue(v)
			}
			return a.print(map[string]any{"values": views, "text": text.Print(values)}, func(w io.Writer) { fmt.Fprintln(w, text.Print(values)) })
		},
	}
	m.flags(c, false)
	return a.jsonFlag(c)
}

// messageBytes is input itself if it is a message, else what its hexadecimal stands for.
func messageBytes(input []byte) ([]byte, error) {
	if strings.HasPrefix(string(input), "DIDL") {
		return input, nil
	}
	digits := strings.TrimPrefix(strings.Join(strings.Fields(string(input)), ""), "0x")
	msg, err := hex.DecodeString(digits)
	if err != nil || len(msg) == 0 {
		return nil, errors.New("a message is given in hexadecimal, such as 4449444c00017d2a, or on stdin as bytes that start with DIDL")
	}
	return msg, nil
}

// viewValue is a value for JSON.
func viewValue(v text.Value) any {
	switch v := v.(type) {
	case text.Bool:
		return bool(v)
	case text.Number:
		switch v.Type {
		case candid.TypeNat, candid.TypeInt, candid.TypeNat64, candid.TypeInt64:
			return v.N.String()
		}
		return v.N.Int64()
	case text.Float:
		if math.IsNaN(v.V) || math.IsInf(v.V, 0) {
			return strconv.FormatFloat(v.V, 'g', -1, 64)
		}
		return v.V
	case text.Text:
		return string(v)
	case text.Blob:
		return hex.EncodeToString(v)
	case text.Opt:
		return []any{viewValue(v.V)}
	case text.Vec:
		out := make([]any, len(v))
		for i, x := range v {
			out[i] = viewValue(x)
		}
		return out
	case text.Record:
		return viewRecord(v)
	case text.Variant:
		return map[string]any{fieldLabel(text.Field(v)): viewValue(v.V)}
	case text.Principal:
		return principal.Principal(v).String()
	case text.Service:
		return principal.Principal(v).String()
	case text.Func:
		return map[string]any{"canister": v.Service.String(), "method": v.Method}
	}
	return nil
}

func viewRecord(r text.Record) any {
	tuple := len(r) > 0
	list := make([]any, len(r))
	named := make(map[string]any, len(r))
	for i, f := range r {
		tuple = tuple && f.Name == "" && f.ID == uint32(i)
		list[i] = viewValue(f.V)
		named[fieldLabel(f)] = list[i]
	}
	if tuple {
		return list
	}
	return named
}

func fieldLabel(f text.Field) string {
	if f.Name != "" {
		return f.Name
	}
	return fmt.Sprint(f.ID)
}
