package foreign

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"assay/ic/candid/text"
	"assay/ic/certificate"
	"assay/ic/principal"
)

// contains reports whether all parts are in s.
func contains(s string, parts ...string) bool {
	for _, part := range parts {
		if !strings.Contains(s, part) {
			return false
		}
	}
	return true
}

// blob is bytes as Candid text.
func blob(b []byte) string {
	var out strings.Builder
	out.WriteString(`blob "`)
	for _, c := range b {
		fmt.Fprintf(&out, `\%02x`, c)
	}
	return out.String() + `"`
}

// init is the argument of a constructor.
func (s *stage) init(c code, init ...string) []byte {
	s.T.Helper()
	if len(init) == 0 {
		return []byte("DIDL\x00\x00")
	}
	arg, err := text.ParseInit(c.did, init[0])
	s.Must(err)
	return arg
}

func parsePrincipal(t *testing.T, quoted string) principal.Principal {
	t.Helper()
	p, err := principal.Parse(strings.Trim(strings.TrimPrefix(quoted, "principal "), `"`))
	if err != nil {
		t.Fatal(err)
	}
	return p
}

// certified is the certified data in the certificate that a query of the site gives,
// checked down to the root key.
func certified(t *testing.T, s *stage, c canister) string {
	t.Helper()
	values, err := text.Parse(c.gives("certificate", "()"))
	if err != nil {
		t.Fatal(err)
	}
	encoded, ok := values[0].(text.Opt).V.(text.Blob)
	if !ok {
		t.Fatalf("the certificate is %v", values[0])
	}
	cert, err := certificate.Decode(encoded)
	if err == nil {
		err = cert.Verify(s.rootKey, c.id, s.Now, time.Minute)
	}
	if err != nil {
		t.Fatal(err)
	}
	data, _ := cert.Tree.Lookup([]byte("canister"), c.id.Bytes(), []byte("certified_data"))
	return string(data)
}
