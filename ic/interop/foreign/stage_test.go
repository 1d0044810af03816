package foreign

import (
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"assay/ic/candid"
	"assay/ic/candid/did"
	"assay/ic/candid/text"
	"assay/ic/principal"
	"assay/ic/replica"
	"assay/ic/wasm/module"
	"assay/internal/need"
	"assay/internal/subnet"
)

// stage is a network with canisters on it. Messages are Candid text.
type stage struct {
	*subnet.Network
	rootKey []byte
}

func open(t *testing.T) *stage {
	t.Helper()
	n, rootKey := subnet.OpenCertified(t)
	return &stage{n, rootKey}
}

// code is a module with its interface.
type code struct {
	wasm []byte
	did  *did.Program
}

var (
	alice, bob = subnet.User("alice"), subnet.User("bob")
	anonymous  = principal.Anonymous
)

// motoko is an actor of the folder motoko, with the interface that its metadata tells.
func motoko(t *testing.T, name string) code {
	t.Helper()
	wasm := read(t, filepath.Join(need.Motoko(t, "motoko"), name+".wasm"))
	m, err := module.Parse(wasm)
	if err != nil {
		t.Fatal(err)
	}
	sections := map[string]string{}
	for _, custom := range m.Customs {
		sections[custom.Name] = string(custom.Bytes)
	}
	service, args := sections["icp:public candid:service"], sections["icp:public candid:args"]
	return code{wasm, parse(t, strings.Replace(service, "service : {", "service : "+args+" -> {", 1))}
}

func parse(t *testing.T, source string) *did.Program {
	t.Helper()
	p, err := did.Parse(source)
	if err != nil {
		t.Fatal(err)
	}
	return p
}

func read(t *testing.T, file string) []byte {
	t.Helper()
	b, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	return b
}

// canister is an installed one, as one caller sees it.
type canister struct {
	*stage
	code
	id     principal.Principal
	caller principal.Principal
}

// install makes a canister. Without an init text there is no argument.
func (s *stage) install(c code, init ...string) canister {
	s.T.Helper()
	arg := []byte("DIDL\x00\x00")
	if len(init) == 1 {
		var err error
		arg, err = text.ParseInit(c.did, init[0])
		s.Must(err)
	}
	return canister{s, c, s.Install(c.wasm, arg), alice}
}

func (c canister) as(caller principal.Principal) canister { c.caller = caller; return c }

// ask calls a method and returns the reply as text.
func (c canister) ask(method, args string) (string, error) {
	signature, ok := c.did.Method(method)
	if !ok {
		c.T.Fatalf("no method %s", method)
	}
	arg, err := text.ParseArgs(c.did, method, args)
	c.Must(err)
	reply, err := c.As(c.caller, c.id).Call(c.T.Context(), method, signature.Kind, arg)
	if err != nil {
		return "", err
	}
	got, err := text.PrintResults(c.did, method, reply)
	c.Must(err)
	return strings.Join(strings.Fields(got), " "), nil
}

// says calls a method and compares the reply.
func (c canister) says(method, args, want string) {
	c.T.Helper()
	if got, err := c.ask(method, args); err != nil || got != want {
		c.T.Errorf("%s%s: %s, %v; want %s", method, args, got, err, want)
	}
}

// gives calls a method whose reply is to be read.
func (c canister) gives(method, args string) string {
	c.T.Helper()
	got, err := c.ask(method, args)
	if err != nil {
		c.T.Fatalf("%s%s: %v", method, args, err)
	}
	return got
}

// fails calls a method that must be rejected with an error code and a part of a text.
func (c canister) fails(method, args, code, text string) {
	c.T.Helper()
	got, err := c.ask(method, args)
	var reject *replica.Reject
	if !errors.As(err, &reject) || reject.ErrorCode != code || !strings.Contains(reject.Message, text) {
		c.T.Errorf("%s%s: %s, %v; want %s with %q", method, args, got, err, code, text)
	}
}

// updates calls a query method as an update, so that it runs in a round.
func (c canister) updates(method, args string) string {
	c.T.Helper()
	arg, err := text.ParseArgs(c.did, method, args)
	c.Must(err)
	reply, err := c.As(c.caller, c.id).Call(c.T.Context(), method, candid.Update, arg)
	c.Must(err)
	got, err := text.PrintResults(c.did, method, reply)
	c.Must(err)
	return got
}

// it is a canister's id as Candid text.
func (c canister) it() string { return quoted(c.id) }

func quoted(p principal.Principal) string { return `principal "` + p.String() + `"` }
