// Command page is a page with certified assets, as the comparison with Rust and Motoko has
// it in each language. For use, take examples/page.
package main

import (
	"errors"

	"assay/examples/sidebyside/page/pageapi"
	"assay/ic/cdk"
	"assay/ic/cdk/http"
)

var (
	web = http.Handler{Region: cdk.FirstRegion}

	errController = errors.New("only a controller of this canister may do that")

	headers = []http.Header{
		{Name: "Content-Security-Policy", Value: "default-src 'self'"},
		{Name: "Cache-Control", Value: "no-cache"},
		{Name: "X-Content-Type-Options", Value: "nosniff"},
	}
)

func program() cdk.Program {
	return cdk.Program{Methods: append(pageapi.Methods[*cdk.Message](edge{}), web.Methods()...)}
}

func init() { cdk.Serve(program()) }

func main() {}

// edge serves own.did.
type edge struct{}

func (edge) Put(m *cdk.Message, a pageapi.Asset) error {
	if !m.IsController(m.Caller()) {
		return errController
	}
	return web.Site(m).Put(http.Asset{Path: a.Path, Below: a.Below, Type: a.ContentType, Status: a.Status, Headers: headers}, a.Body)
}
