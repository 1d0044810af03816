package gen

import (
	"fmt"
	"strings"

	"assay/ic/candid/did"
)

// service writes messages, client and server of the service.
func (g *generator) service() {
	g.message("init arguments", "InitArgs", "the constructor's arguments", g.program.Init, "arg")
	methods := g.program.Service.Methods
	for _, m := range methods {
		s := g.program.Resolve(m.Type).Func
		name := goName(m.Name)
		g.message(m.Name+" arguments", name+"Args", "the arguments of "+m.Name, s.Args, "arg")
		g.message(m.Name+" results", name+"Results", "the results of "+m.Name, s.Results, "out")
	}
	g.client(methods)
	g.server(methods)
}

// params lists args as Go parameters called base, base2, …; values lists the names alone.
func (g *generator) params(args []did.Arg, base string) (params, values []string) {
	for i, a := range args {
		name := base
		if i > 0 {
			name = fmt.Sprint(base, i+1)
		}
		values = append(values, name)
		params = append(params, name+" "+g.goType(a.Type))
	}
	return params, values
}

// message writes the pair of functions for one argument or result list.
func (g *generator) message(what, name, of string, args []did.Arg, base string) {
	params, values := g.params(args, base)
	types := make([]*did.Type, len(args))
	for i, a := range args {
		types[i] = a.Type
	}
	header := g.header(name, types)
	g.printf("// Encode%s makes a message of %s.\nfunc Encode%s(%s) ([]byte, error) {\n", name, of, name, strings.Join(params, ", "))
	if len(args) == 1 {
		g.printf("return candid.EncodeOne(%q, &%s, &%s, %s)\n}\n\n", what, header, base, g.codec(put, args[0].Type))
		g.printf("// Decode%s reads a message of %s.\nfunc Decode%s(msg []byte) (%s, error) {\n", name, of, name, g.goType(args[0].Type))
		g.printf("return candid.DecodeOne(%q, &%s, msg, %s)\n}\n\n", what, header, g.codec(get, args[0].Type))
		return
	}
	g.printf("e := %s.NewEncoder()\n", header)
	for i, a := range args {
		g.printf("%s\n", g.call(put, "e, &"+values[i], a.Type))
	}
	g.printf("return e.Finish(%q)\n}\n\n", what)
	g.printf("// Decode%s reads a message of %s.\nfunc Decode%s(msg []byte) (%s) {\nd := %s.NewDecoder(msg)\n",
		name, of, name, strings.Join(append(params, "err error"), ", "), header)
	for i, a := range args {
		g.printf("%s\n", g.call(get, "d, d.Arg(), &"+values[i], a.Type))
	}
	g.printf("err = d.Finish(%q)\nreturn %s\n}\n\n", what, strings.Join(append(values, "err"), ", "))
}

func (g *generator) client(methods []did.Method) {
	g.printf(`// Client calls the service. C is the context of a call: context.Context off chain, the
// message handle on chain.
type Client[C any] struct{ caller candid.Caller[C] }

// NewClient is a client whose calls c carries.
func NewClient[C any](c candid.Caller[C]) Client[C] { return Client[C]{c} }

`)
	for _, m := range methods {
		s := g.program.Resolve(m.Type).Func
		name := goName(m.Name)
		params, values := g.params(s.Args, "arg")
		results, outs := g.params(s.Results, "out")
		doc := fmt.Sprintf("%s calls %s.", name, m.Name)
		if s.Oneway {
			doc = fmt.Sprintf("%s calls %s, which is oneway: nil says that it was taken, not that it worked.", name, m.Name)
		}
		g.printf("// %s\nfunc (c Client[C]) %s(%s) (%s) {\n", doc, name,
			strings.Join(append([]string{"ctx C"}, params...), ", "), strings.Join(append(results, "err error"), ", "))
		if s.Oneway {
			g.oneway(m.Name, name, values)
			continue
		}
		g.printf("msg, err := Encode%sArgs(%s)\nif err == nil {\nmsg, err = c.caller.Call(ctx, %q, candid.%s, msg)\n}\n",
			name, strings.Join(values, ", "), m.Name, kindNames[s.Kind])
		g.printf("if err == nil {\n%s = Decode%sResults(msg)\n}\nreturn %s\n}\n\n",
			strings.Join(append(outs, "err"), ", "), name, strings.Join(append(outs, "err"), ", "))
	}
}

// oneway writes the body of a client's method whose reply nobody reads.
func (g *generator) oneway(method, name string, values []string) {
	g.printf("msg, err := Encode%sArgs(%s)\nif err == nil {\n_, err = c.caller.Call(ctx, %q, candid.Update, msg)\n}\nreturn err\n}\n\n",
		name, strings.Join(values, ", "), method)
}

var kindNames = [...]string{"Update", "Query", "CompositeQuery"}

func (g *generator) server(methods []did.Method) {
	g.printf("// Service is what a canister implements. M is the handle of a message; an error\n// rejects the message with its text.\ntype Service[M any] interface {\n")
	for _, m := range methods {
		s := g.program.Resolve(m.Type).Func
		params, _ := g.params(s.Args, "arg")
		var results []string
		for _, r := range s.Results {
			results = append(results, g.goType(r.Type))
		}
		g.printf("%s(%s) (%s)\n", goName(m.Name), strings.Join(append([]string{"m M"}, params...), ", "), strings.Join(append(results, "error"), ", "))
	}
	g.printf("}\n\n// Methods is the table of entry points that lead to s.\nfunc Methods[M any](s Service[M]) []candid.Method[M] {\nreturn []candid.Method[M]{\n")
	for _, m := range methods {
		s := g.program.Resolve(m.Type).Func
		g.printf("{Name: %q, Kind: candid.%s, Handle: func(m M, msg []byte) ([]byte, error) {\n", m.Name, kindNames[s.Kind])
		g.handler(goName(m.Name), s)
		g.printf("}},\n")
	}
	g.printf("}\n}\n")
}

func (g *generator) handler(name string, s *did.Signature) {
	_, args := g.params(s.Args, "arg")
	_, outs := g.params(s.Results, "out")
	if len(args) == 0 {
		g.printf("if err := Decode%sArgs(msg); err != nil {\nreturn nil, err\n}\n", name)
	} else {
		g.printf("%s, err := Decode%sArgs(msg)\nif err != nil {\nreturn nil, err\n}\n", strings.Join(args, ", "), name)
	}
	call := fmt.Sprintf("s.%s(%s)", name, strings.Join(append([]string{"m"}, args...), ", "))
	if len(outs) == 0 {
		g.printf("if err := %s; err != nil {\nreturn nil, err\n}\n", call)
	} else {
		g.printf("%s, err := %s\nif err != nil {\nreturn nil, err\n}\n", strings.Join(outs, ", "), call)
	}
	g.printf("return Encode%sResults(%s)\n", name, strings.Join(outs, ", "))
}
