// Command page is a web page in a canister: certified assets that its controllers can
// change, a page for what is not there, a redirect, a counter that requests move by update
// calls, and one answer that nothing certifies.
package main

import (
	_ "embed"
	"encoding/binary"
	"strconv"

	"assay/examples/page/pageapi"
	"assay/ic/cdk"
	"assay/ic/cdk/http"
)

const (
	regionSite  = cdk.FirstRegion
	regionHello = cdk.FirstRegion + 1 // a map of one entry
)

var (
	//go:embed static/index.html
	index []byte
	//go:embed static/style.css
	style []byte
	//go:embed static/hello.js
	script []byte
	//go:embed static/missing.html
	missing []byte

	web = http.Handler{Region: regionSite, Update: hello, Uncertified: weather}
)

func program() cdk.Program {
	return cdk.Program{
		Methods:     append(pageapi.Methods[*cdk.Message](edge{}), web.Methods()...),
		Init:        publish,
		PostUpgrade: publish,
	}
}

func init() { cdk.Serve(program()) }

func main() {}

// publish puts what the module brings. What the controllers put elsewhere stays.
func publish(m *cdk.Message, _ []byte) error {
	headers := []http.Header{
		{Name: "Content-Security-Policy", Value: "default-src 'self'"},
		{Name: "Cache-Control", Value: "no-cache"},
		{Name: "X-Content-Type-Options", Value: "nosniff"},
	}
	site := web.Site(m)
	for _, a := range []struct {
		http.Asset
		body []byte
	}{
		{http.Asset{Path: "/", Type: "text/html; charset=utf-8", Headers: headers}, index},
		{http.Asset{Path: "/style.css", Headers: headers}, style},
		{http.Asset{Path: "/hello.js", Headers: headers}, script},
		{http.Asset{Path: "/", Below: true, Type: "text/html; charset=utf-8", Status: 404, Headers: headers}, missing},
		{http.Asset{Path: "/index.html", Location: "/"}, nil},
	} {
		if err := site.Put(a.Asset, a.body); err != nil {
			return err
		}
	}
	if err := site.PutUpgrade("/hello", false); err != nil {
		return err
	}
	return site.PutUncertified("/weather", false)
}

// hello counts; it runs in update calls alone.
func hello(_ *cdk.Message, r http.Request) (http.Response, error) {
	if r.URL != "/hello" || r.Method != "POST" {
		return http.Response{Status: 405, Headers: []http.Header{{Name: "Allow", Value: "GET, HEAD"}}}, nil
	}
	key, count := []byte("hello"), uint64(1)
	if v, ok := cdk.Map(regionHello).Get(key); ok {
		count = binary.BigEndian.Uint64(v) + 1
	}
	if err := cdk.Map(regionHello).Put(key, binary.BigEndian.AppendUint64(nil, count)); err != nil {
		return http.Response{}, err
	}
	text := "Hello! You are number " + strconv.FormatUint(count, 10) + "."
	return http.Response{Status: 200, Headers: []http.Header{{Name: "Content-Type", Value: "text/plain"}}, Body: []byte(text)}, nil
}

// weather is nobody's loss if a node lies about it.
func weather(m *cdk.Message, _ http.Request) (http.Response, error) {
	sky := [...]string{"sunny", "cloudy", "rainy"}[m.Time()/1e9%3]
	return http.Response{Status: 200, Headers: []http.Header{{Name: "Content-Type", Value: "text/plain"}}, Body: []byte(sky)}, nil
}
