package spectest_test

import (
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"strconv"
	"strings"
	"testing"

	"assay/ic/candid/text"
	"assay/ic/principal"
	"assay/ic/replica"
	"assay/ic/replica/outcall"
	"assay/ic/replica/replicatest"
)

// outside starts the servers that canisters of this network may reach, and returns who
// reaches them. Only the one with TLS is allowed.
func (n *net) outside(t *testing.T) replica.Outcaller {
	t.Helper()
	secure := httptest.NewTLSServer(http.HandlerFunc(serveOutside))
	t.Cleanup(secure.Close)
	n.outsideURL = secure.URL
	client, err := outcall.New([]string{strings.TrimPrefix(secure.URL, "https://")}, secure.Client().Transport)
	if err != nil {
		t.Fatal(err)
	}
	return client
}

// serveOutside answers /bytes/N with N bytes and no header, /headers/N/LENGTH with N
// headers whose values are so long, /echo with what came.
func serveOutside(w http.ResponseWriter, r *http.Request) {
	body, _ := io.ReadAll(r.Body)
	parts := strings.Split(strings.Trim(r.URL.Path, "/"), "/")
	w.Header()["Date"] = nil
	number := func(i int) int { v, _ := strconv.Atoi(parts[i]); return v }
	switch {
	case parts[0] == "bytes" && len(parts) == 2:
		w.Header()["Content-Type"] = nil
		w.Header().Set("Transfer-Encoding", "identity")
		io.WriteString(w, strings.Repeat("x", number(1))) //nolint:errcheck // the client's loss
	case parts[0] == "headers" && len(parts) == 3:
		w.Header()["Content-Type"] = nil
		for i := range number(1) {
			w.Header().Set(fmt.Sprintf("N%d", i), strings.Repeat("v", number(2)))
		}
	case parts[0] == "status" && len(parts) == 2:
		w.WriteHeader(number(1))
	default:
		fmt.Fprintf(w, "%s %s agent=%s one=%s body=%s", r.Method, r.URL.RequestURI(), r.UserAgent(), r.Header.Get("One"), body)
	}
}

// fetch makes an outcall with plenty of cycles; the pairs come on top of GET without
// headers.
func (w *world) fetch(c principal.Principal, path string, pairs ...any) outcome {
	w.Helper()
	return w.fetchURL(c, w.outsideURL+path, pairs...)
}

func (w *world) fetchURL(c principal.Principal, url string, pairs ...any) outcome {
	w.Helper()
	all := map[string]any{"url": url, "method": tag("get"), "headers": []any{}}
	for i := 0; i < len(pairs); i += 2 {
		all[pairs[i].(string)] = pairs[i+1]
	}
	var list []any
	for name, v := range all {
		list = append(list, name, v)
	}
	return w.await(w.submit(owner, c, c, "run", relay(call{To: principal.Management, Method: "http_request", Cycles: 5 * trillion, Arg: argument("http_request", list...)})))
}

// postLarge posts so many zeros, which no ingress message could bring.
func (w *world) postLarge(n int) outcome {
	w.Helper()
	c := w.canister()
	zeros := string(make([]byte, n))
	arg := argument("http_request", "url", w.outsideURL+"/status/200", "method", tag("post"), "headers", []any{}, "body", []byte(zeros))
	before, after, _ := strings.Cut(string(arg), zeros)
	p := do.HeapGrow(64).Do("call_new", principal.Management, "http_request", replicatest.RunSlot, do.Give(blob("msg_arg_data")).Send(),
		replicatest.RunSlot, do.Put(of("msg_reject_code")).Give(blob("msg_reject_msg")).Send()).
		Do("call_cycles_add", 5*trillion).Do("call_data_append", before).Do("call_data_append", 4<<16, n).Do("call_data_append", after).Do("call_perform")
	return w.await(w.submit(owner, c, c, "run", p))
}

// fetched is the response of an outcall that went well.
func (o outcome) fetched() value {
	o.w.Helper()
	return o.result("http_request")
}

func headers(pairs ...string) []any {
	out := []any{}
	for i := 0; i < len(pairs); i += 2 {
		out = append(out, fields("name", pairs[i], "value", pairs[i+1]))
	}
	return out
}

func manyHeaders(n, value int) []any {
	out := []any{}
	for i := range n {
		out = append(out, fields("name", fmt.Sprintf("h%04d", i), "value", strings.Repeat("v", value)))
	}
	return out
}

// transformed is the two halves of a transform's result around 8 bytes of body.
func transformed() (before, after string) {
	whole := string(result("http_request", "status", 299, "headers", []any{}, "body", []byte("8bytes!!")))
	before, after, _ = strings.Cut(whole, "8bytes!!")
	return before, after
}

// transforming makes a canister whose transform answers with a number as the body.
func (w *world) transforming(number any) principal.Principal {
	w.Helper()
	before, after := transformed()
	return w.canisterWith(options{Transform: true}, do.OnTransform(do.Give(before).Put(number).Give(after).Send()))
}

func through(c principal.Principal, method, context string) text.Value {
	return fields("function", text.Func{Service: c, Method: method}, "context", []byte(context))
}

func init() {
	describe("outcalls", "management canister",
		row{"IC method http_request", "GET gives status, headers and body", func(w *world) {
			r := w.fetch(w.canister(), "/hello").fetched()
			r.at("status").is(200)
			if got := string(r.at("body").bytes()); !strings.HasPrefix(got, "GET /hello ") {
				w.Errorf("body %q", got)
			}
			if len(r.at("headers").list()) == 0 {
				w.Error("no headers")
			}
		}},
		row{"IC method http_request", "POST sends headers and body", func(w *world) {
			r := w.fetch(w.canister(), "/x", "method", tag("post"), "headers", headers("one", "1"), "body", []byte("sent")).fetched()
			if got := string(r.at("body").bytes()); !strings.HasPrefix(got, "POST /x ") || !strings.HasSuffix(got, "one=1 body=sent") {
				w.Errorf("body %q", got)
			}
		}},
		row{"IC method http_request", "HEAD has no body", func(w *world) {
			r := w.fetch(w.canister(), "/x", "method", tag("head")).fetched()
			r.at("status").is(200)
			r.at("body").is([]byte{})
		}},
		row{"IC method http_request", "PUT, DELETE and PATCH are for non-replicated calls", func(w *world) {
			for _, method := range []string{"put", "delete", "patch"} {
				rejectedWith(w.fetch(w.friend(), "/x", "method", tag(method)), transient, rejected, failed, fatal)
				r := w.fetch(w.friend(), "/x", "method", tag(method), "is_replicated", false).fetched()
				if got := string(r.at("body").bytes()); !strings.HasPrefix(got, strings.ToUpper(method)+" /x ") {
					w.Errorf("body %q", got)
				}
			}
		}},
		row{"IC method http_request", "other statuses than 200 are responses, too", func(w *world) {
			w.fetch(w.friend(), "/status/404").fetched().at("status").is(404)
			w.fetch(w.friend(), "/status/500").fetched().at("status").is(500)
		}},
		row{"IC method http_request", "without a user-agent it is ic/1.0", func(w *world) {
			if got := string(w.fetch(w.friend(), "/x").fetched().at("body").bytes()); !strings.Contains(got, "agent=ic/1.0 ") {
				w.Errorf("body %q", got)
			}
			if got := string(w.fetch(w.friend(), "/x", "headers", headers("User-Agent", "mine")).fetched().at("body").bytes()); !strings.Contains(got, "agent=mine ") {
				w.Errorf("body %q", got)
			}
		}},
		row{"IC method http_request", "a url without https is rejected", func(w *world) {
			rejectedWith(w.fetchURL(w.friend(), "http://"+strings.TrimPrefix(w.outsideURL, "https://")+"0/x"), fatal, transient, rejected)
		}},
		row{"IC method http_request", "a host that is not there or not allowed is rejected", func(w *world) {
			rejectedWith(w.fetchURL(w.friend(), "https://xwwpqqbnqxxhmlxdguf4.invalid/"), fatal, transient, rejected)
			rejectedWith(w.fetchURL(w.friend(), "https://240.0.0.0/"), fatal, transient, rejected)
		}},
		row{"IC method http_request", "a url of 8192 bytes is good, a longer one is rejected", func(w *world) {
			url := w.outsideURL + "/" + strings.Repeat("x", 8192-len(w.outsideURL)-1)
			w.fetchURL(w.friend(), url).fetched().at("status").is(200)
			rejectedWith(w.fetchURL(w.friend(), url+"x"), rejected, failed, fatal)
		}},
		row{"IC method http_request", "the response may have max_response_bytes, and not a byte more", func(w *world) {
			w.fetch(w.friend(), "/bytes/100", "max_response_bytes", 100).fetched().at("body").is([]byte(strings.Repeat("x", 100)))
			rejectedWith(w.fetch(w.friend(), "/bytes/101", "max_response_bytes", 100), fatal)
			rejectedWith(w.fetch(w.friend(), "/bytes/100", "max_response_bytes", 5), fatal)
		}},
		row{"IC method http_request", "max_response_bytes may be 2,000,000, not more", func(w *world) {
			w.fetch(w.friend(), "/x", "max_response_bytes", 2_000_000).fetched()
			rejectedWith(w.fetch(w.friend(), "/x", "max_response_bytes", 2_000_001), rejected, failed, fatal)
		}},
		row{"IC method http_request", "a response of almost 2,000,000 bytes fits without it, a larger one does not", func(w *world) {
			if got := w.fetch(w.friend(), "/bytes/1999900").fetched().at("body").bytes(); len(got) != 1_999_900 {
				w.Errorf("%d bytes", len(got))
			}
			rejectedWith(w.fetch(w.friend(), "/bytes/2000001"), fatal)
		}},
		row{"IC method http_request", "64 headers may be sent, 65 are rejected", func(w *world) {
			w.fetch(w.friend(), "/x", "headers", manyHeaders(64, 1)).fetched()
			rejectedWith(w.fetch(w.friend(), "/x", "headers", manyHeaders(65, 1)), rejected, failed, fatal)
		}},
		row{"IC method http_request", "a header's name and value may have 8 KiB, not more", func(w *world) {
			w.fetch(w.friend(), "/x", "headers", manyHeaders(1, 8192)).fetched()
			w.fetch(w.friend(), "/x", "headers", headers(strings.Repeat("n", 8192), "v")).fetched()
			rejectedWith(w.fetch(w.friend(), "/x", "headers", manyHeaders(1, 8193)), rejected, failed, fatal)
			rejectedWith(w.fetch(w.friend(), "/x", "headers", headers(strings.Repeat("n", 8193), "v")), rejected, failed, fatal)
		}},
		row{"IC method http_request", "headers of more than 48 KiB in all are rejected", func(w *world) {
			w.fetch(w.friend(), "/x", "headers", manyHeaders(6, 8000)).fetched()
			rejectedWith(w.fetch(w.friend(), "/x", "headers", manyHeaders(7, 8000)), rejected, failed, fatal)
		}},
		row{"IC method http_request", "a response with too many or too long headers is rejected", func(w *world) {
			w.fetch(w.friend(), "/headers/60/10").fetched()
			rejectedWith(w.fetch(w.friend(), "/headers/70/10"), fatal)
			w.fetch(w.friend(), "/headers/1/8192").fetched()
			rejectedWith(w.fetch(w.friend(), "/headers/1/8193"), fatal)
			rejectedWith(w.fetch(w.friend(), "/headers/7/8000"), fatal)
		}},
		row{"IC method http_request", "a request of more than 2,000,000 bytes is rejected", func(w *world) {
			w.postLarge(2_000_000).fetched().at("status").is(200)
			rejectedWith(w.postLarge(2_000_001), rejected, failed, fatal)
		}},
		row{"IC method http_request", "without enough cycles it is rejected and refunds them", func(w *world) {
			c := w.canister()
			arg := argument("http_request", "url", w.outsideURL+"/x", "method", tag("get"), "headers", []any{})
			got := w.update(c, do.Call(call{To: principal.Management, Method: "http_request", Cycles: 1000, Arg: arg, OnReply: do.Put(0).Send(), OnReject: do.Put(of("msg_reject_code")).Give(wide(refunded)).Send()})).numbers()
			if got[0] != rejected || got[1] != 1000 {
				w.Errorf("code and refund: %d", got)
			}
		}},
		row{"Cycle cost calculation", "cost_http_request is what the outcall takes", func(w *world) {
			c := w.canister()
			url := w.outsideURL + "/x"
			cost := w.ask(c, do.Give(wide("cost_http_request", len(url), 1000)).Send()).amounts()[0]
			arg := argument("http_request", "url", url, "method", tag("get"), "headers", []any{}, "max_response_bytes", 1000)
			p := w.submit(owner, c, c, "run", do.Call(call{To: principal.Management, Method: "http_request", Cycles: cost + 777, Arg: arg, OnReply: do.Give(wide(refunded)).Send()}))
			if got := p.ends().amounts()[0]; got != 777 {
				w.Errorf("refunded %d of 777", got)
			}
		}},
		row{"IC method http_request", "a transform's result is what the caller gets", func(w *world) {
			c := w.transforming(5)
			r := w.fetch(c, "/x", "transform", through(c, "transform", "")).fetched()
			r.at("status").is(299)
			r.at("body").is([]byte(le(5)))
		}},
		row{"IC method http_request", "a transform's caller is the management canister", func(w *world) {
			c := w.transforming(of("msg_caller_size"))
			w.fetch(c, "/x", "transform", through(c, "transform", "")).fetched().at("body").is([]byte(le(0)))
		}},
		row{"IC method http_request", "a transform gets the context", func(w *world) {
			c := w.transforming(of("msg_arg_data_size"))
			size := func(context string) uint64 {
				return replicatest.Numbers(w.fetch(c, "/bytes/10", "transform", through(c, "transform", context)).fetched().at("body").bytes())[0]
			}
			if a, b := size(strings.Repeat("c", 10)), size(strings.Repeat("c", 60)); b != a+50 {
				w.Errorf("arguments of %d and %d bytes", a, b)
			}
		}},
		row{"Overview of imports", "a transform may not call, and is not replicated execution's update", func(w *world) {
			before, after := transformed()
			c := w.canisterWith(options{Transform: true}, do.OnTransform(begun(w.friend()).Give(before).Put(1).Give(after).Send()))
			rejectedWith(w.fetch(c, "/x", "transform", through(c, "transform", "")), failed, fatal, rejected)
		}},
		row{"IC method http_request", "a transform that traps or is not there is rejected", func(w *world) {
			c := w.canisterWith(options{Transform: true}, do.OnTransform(do.Trap("no")))
			rejectedWith(w.fetch(c, "/x", "transform", through(c, "transform", "")), failed)
			rejectedWith(w.fetch(c, "/x", "transform", through(c, "none", "")), failed, rejected, destination)
		}},
		row{"IC method http_request", "another canister's transform is rejected", func(w *world) {
			c := w.transforming(5)
			rejectedWith(w.fetch(w.canister(), "/x", "transform", through(c, "transform", "")), rejected, failed)
		}},
		row{"IC method http_request", "a transform's changes are discarded", func(w *world) {
			before, after := transformed()
			c := w.canisterWith(options{Transform: true}, do.OnTransform(do.Set(1, 1).Give(before).Put(cell(1)).Give(after).Send()))
			w.fetch(c, "/x", "transform", through(c, "transform", "")).fetched().at("body").is([]byte(le(1)))
			if w.cell(c, 1) != 0 {
				w.Error("they stayed")
			}
		}},
	)
}
