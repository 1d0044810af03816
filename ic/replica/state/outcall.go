package state

import (
	"cmp"
	"context"
	"maps"
	"slices"
	"strings"
	"time"

	"assay/ic/candid"
	"assay/ic/management/managementapi"
	"assay/ic/principal"
	"assay/ic/replica/cycles"
)

// Limits of outcalls. Sizes are in bytes.
const (
	outcallTimeout  = time.Minute
	maxOutcalls     = 3000 // under way
	maxURL          = 8192
	maxHeaders      = 64
	maxHeaderPart   = 8 << 10  // of a name or a value
	maxHeaderBytes  = 48 << 10 // of all names and values
	maxOutcallBytes = 2_000_000
)

// Header is one header of an HTTP request or response.
type Header struct{ Name, Value string }

// Outcall is an HTTP request that a canister made.
type Outcall struct {
	ID          uint64
	Canister    principal.Principal
	URL         string
	Method      string // GET, HEAD, POST, PUT, DELETE or PATCH
	Headers     []Header
	Body        []byte
	MaxResponse uint64 // bytes of the response's headers and body
}

// OutcallResult is what came of an outcall: a response, or an error.
type OutcallResult struct {
	ID      uint64
	Status  uint64
	Headers []Header
	Body    []byte
	Error   string // empty: there is a response
	Fatal   bool   // of an error: trying again does not help
}

// openOutcall is an outcall until its result is in.
type openOutcall struct {
	Outcall   Outcall
	Origin    origin
	Refund    cycles.Amount
	Deadline  uint64
	Transform *transform
}

// transform is the query of the calling canister that the response goes through.
type transform struct {
	Method  string
	Context []byte
}

// Outcalls are those without a result, oldest first. What came of one goes to
// [Machine.Feed]; results of others are ignored.
func (m *Machine) Outcalls() []Outcall {
	m.mu.Lock()
	defer m.mu.Unlock()
	var out []Outcall
	for _, id := range sortedKeys(m.mu.outcalls) {
		out = append(out, m.mu.outcalls[id].Outcall)
	}
	return out
}

// httpRequestLocked takes an outcall, which somebody outside makes.
func (m *Machine) httpRequestLocked(_ context.Context, _ *canister, call *managed) answer {
	arg, err := managementapi.DecodeHttpRequestArgs(call.arg)
	if err != nil {
		return badPayload(call, err)
	}
	o, rej := readOutcall(&arg, call.caller)
	if rej != nil {
		return rejectOf(rej)
	}
	fee := m.config.Prices.HTTPOutcall(requestBytes(&arg), o.Outcall.MaxResponse)
	switch {
	case !m.config.Outcalls:
		return rejectOf(reject(CodeNotEnabled, "HTTP outcalls are not enabled on this network"))
	case call.cycles.Less(fee):
		return rejectOf(reject(CodeRefused, "http_request request sent with %v cycles, but %v cycles are required.", call.cycles, fee))
	case len(m.mu.outcalls) >= maxOutcalls:
		return rejectOf(reject(CodeQueueFull, "The network has %d HTTP outcalls under way and takes no more now", maxOutcalls))
	}
	if c := m.mu.canisters[call.caller]; c != nil {
		m.bookLocked(&c.Consumed.Outcalls, fee)
	} else {
		m.loseLocked(fee)
	}
	m.mu.counters.Outcall++
	o.Outcall.ID, o.Origin, o.Refund = m.mu.counters.Outcall, call.origin, call.cycles.Sub(fee)
	o.Deadline = m.mu.Time + uint64(outcallTimeout)
	m.mu.outcalls[o.Outcall.ID] = o
	call.later = true
	return answer{}
}

// requestBytes is what a request is charged for.
func requestBytes(arg *managementapi.HttpRequest) uint64 {
	n := len(arg.Url)
	for _, h := range arg.Headers {
		n += len(h.Name) + len(h.Value)
	}
	if arg.Body != nil {
		n += len(*arg.Body)
	}
	if t := arg.Transform; t != nil {
		n += len(t.Function.Method) + len(t.Context)
	}
	return uint64(n)
}

// readOutcall checks what a canister asks for.
func readOutcall(arg *managementapi.HttpRequest, caller principal.Principal) (*openOutcall, *Reject) {
	o := &openOutcall{Outcall: Outcall{Canister: caller, URL: arg.Url, MaxResponse: maxOutcallBytes, Method: methods[arg.Method.Tag()]}}
	if arg.MaxResponseBytes != nil {
		o.Outcall.MaxResponse = *arg.MaxResponseBytes
	}
	replicated := arg.IsReplicated == nil || *arg.IsReplicated
	switch {
	case len(arg.Url) > maxURL:
		return nil, reject(CodeBadPayload, "url size %d exceeds %d", len(arg.Url), maxURL)
	case o.Outcall.MaxResponse > maxOutcallBytes:
		return nil, reject(CodeBadPayload, "max_response_bytes expected to be in the range [0..%d], got %d", maxOutcallBytes, o.Outcall.MaxResponse)
	case replicated && (arg.Method.Put || arg.Method.Delete || arg.Method.Patch):
		return nil, reject(CodeBadPayload, "HTTP method %s is available with is_replicated = false only", o.Outcall.Method)
	}
	size := 0
	for _, h := range arg.Headers {
		o.Outcall.Headers = append(o.Outcall.Headers, Header(h))
		size += len(h.Name) + len(h.Value)
	}
	if why := CheckHeaders(o.Outcall.Headers); why != "" {
		return nil, reject(CodeBadPayload, "%s", why)
	}
	if arg.Body != nil {
		o.Outcall.Body = *arg.Body
	}
	if size += len(o.Outcall.Body); size > maxOutcallBytes {
		return nil, reject(CodeBadPayload, "total number of bytes of headers and body of the request is %d, the limit is %d", size, maxOutcallBytes)
	}
	if t := arg.Transform; t != nil {
		if t.Function.Service != caller {
			return nil, reject(CodeBadPayload, "transform needs to be exported by the canister that makes the outcall")
		}
		o.Transform = &transform{t.Function.Method, t.Context}
	}
	return o, nil
}

var methods = map[string]string{"get": "GET", "head": "HEAD", "post": "POST", "put": "PUT", "delete": "DELETE", "patch": "PATCH"}

// CheckHeaders says how the headers of a request or a response are over the limits of
// the interface specification, empty if they are not.
func CheckHeaders(headers []Header) string {
	if len(headers) > maxHeaders {
		return "number of headers exceeds 64"
	}
	size := 0
	for _, h := range headers {
		if len(h.Name) > maxHeaderPart || len(h.Value) > maxHeaderPart {
			return "a header name or value exceeds 8 KiB"
		}
		size += len(h.Name) + len(h.Value)
	}
	if size > maxHeaderBytes {
		return "header names and values exceed 48 KiB"
	}
	return ""
}

// takeResultLocked queues the result of an outcall for the next round.
func (m *Machine) takeResultLocked(r *OutcallResult) {
	if m.mu.outcalls[r.ID] != nil {
		clean := func(s string) string { return strings.ToValidUTF8(s, "\ufffd") } // all text of Candid is UTF-8
		for i, h := range r.Headers {
			r.Headers[i] = Header{clean(h.Name), clean(h.Value)}
		}
		r.Error = clean(r.Error)
		m.enqueueLocked(&message{Kind: outcallMessage, Callback: r.ID, Outcall: r})
	}
}

// concludeLocked answers a canister with the result of its outcall, transformed if it
// wished so.
func (m *Machine) concludeLocked(ctx context.Context, r *OutcallResult) uint64 {
	o := m.mu.outcalls[r.ID]
	if o == nil {
		return 0 // it timed out while the result waited
	}
	delete(m.mu.outcalls, r.ID)
	m.respondLocked(o.Origin, m.resultLocked(ctx, o, r), o.Refund)
	return 0
}

func (m *Machine) resultLocked(ctx context.Context, o *openOutcall, r *OutcallResult) answer {
	switch {
	case r.Error != "" && r.Fatal:
		return rejectOf(&Reject{Code: SysFatal, ErrorCode: CodeOversubscribed, Message: r.Error})
	case r.Error != "":
		return rejectOf(&Reject{Code: SysTransient, ErrorCode: CodeIngressTimeout, Message: r.Error})
	}
	response := managementapi.HttpResponse{Status: candid.NewNat(r.Status), Body: r.Body, Headers: make([]managementapi.HttpHeader, 0, len(r.Headers))}
	for _, h := range r.Headers {
		response.Headers = append(response.Headers, managementapi.HttpHeader(h))
	}
	if o.Transform == nil {
		return encoded(managementapi.EncodeHttpRequestResults(response))
	}
	arg, err := managementapi.EncodeTransformArg(managementapi.TransformArg{Response: response, Context: o.Transform.Context})
	if err != nil {
		return encoded(nil, err)
	}
	a := m.transformLocked(ctx, o.Outcall.Canister, o.Transform.Method, arg)
	if a.Reject == nil && uint64(len(a.Reply)) > o.Outcall.MaxResponse {
		return rejectOf(&Reject{Code: SysFatal, ErrorCode: CodeOversubscribed, Message: "Transformed http response exceeds limit"})
	}
	return a
}

// expireOutcallsLocked gives up on outcalls past their deadline.
func (m *Machine) expireOutcallsLocked() {
	late := slices.SortedFunc(maps.Values(m.mu.outcalls), func(a, b *openOutcall) int { return cmp.Compare(a.Outcall.ID, b.Outcall.ID) })
	for _, o := range late {
		if o.Deadline <= m.mu.Time {
			delete(m.mu.outcalls, o.Outcall.ID)
			m.respondLocked(o.Origin, rejectOf(&Reject{Code: SysTransient, ErrorCode: CodeIngressTimeout, Message: "Canister http request timed out"}), o.Refund)
		}
	}
}
