package http

import (
	"assay/ic/candid"
	"assay/ic/cdk"
	"assay/ic/cdk/http/httpapi"
)

// Handler is the HTTP side of a canister.
type Handler struct {
	// Region holds the site's map; see [cdk.Map].
	Region uint8
	// Update answers requests that were upgraded and that no asset answers. It may call
	// other canisters; an error is a 500 with its text in the canister's log.
	Update func(m *cdk.Message, r Request) (Response, error)
	// Uncertified answers requests to the paths of [Site.PutUncertified], in queries.
	Uncertified func(m *cdk.Message, r Request) (Response, error)
}

// Site is the canister's site, in this message.
func (h *Handler) Site(m *cdk.Message) *Site { return Open(cdk.Map(h.Region), cdk.Certified(m)) }

// Methods are the three that gateways call, those of http.did.
func (h *Handler) Methods() []candid.Method[*cdk.Message] {
	return httpapi.Methods[*cdk.Message](service{h})
}

type service struct{ *Handler }

func (s service) HttpRequest(m *cdk.Message, q httpapi.HttpRequest) (httpapi.HttpResponse, error) {
	certificate, _ := m.DataCertificate()
	answer := s.Site(m).Answer(request(q.Method, q.Url, q.Headers, q.Body), certificate, custom(m, s.Uncertified))
	return response(m, answer), nil
}

func (s service) HttpRequestUpdate(m *cdk.Message, q httpapi.HttpUpdateRequest) (httpapi.HttpResponse, error) {
	return response(m, s.Site(m).AnswerUpdate(request(q.Method, q.Url, q.Headers, q.Body), custom(m, s.Update))), nil
}

func (s service) HttpRequestStreamingCallback(m *cdk.Message, t httpapi.StreamingToken) (*httpapi.StreamingCallbackHttpResponse, error) {
	body, next, ok := s.Site(m).Stream(Token(t))
	if !ok {
		return nil, nil
	}
	return &httpapi.StreamingCallbackHttpResponse{Body: body, Token: (*httpapi.StreamingToken)(next)}, nil
}

func custom(m *cdk.Message, f func(*cdk.Message, Request) (Response, error)) func(Request) Response {
	if f == nil {
		return nil
	}
	return func(r Request) Response {
		answer, err := f(m, r)
		if err != nil {
			m.Print("http: " + r.Method + " " + r.URL[:min(len(r.URL), 200)] + ": " + err.Error())
			return plain(500, "internal error")
		}
		return answer
	}
}

func request(method, url string, fields []httpapi.HeaderField, body []byte) Request {
	headers := make([]Header, len(fields))
	for i, f := range fields {
		headers[i] = header(f.F0, f.F1)
	}
	return Request{Method: method, URL: url, Headers: headers, Body: body}
}

func response(m *cdk.Message, r Response) httpapi.HttpResponse {
	out := httpapi.HttpResponse{StatusCode: r.Status, Headers: make([]httpapi.HeaderField, len(r.Headers)), Body: r.Body}
	for i, h := range r.Headers {
		out.Headers[i] = httpapi.HeaderField{F0: h.Name, F1: h.Value}
	}
	if r.Upgrade {
		yes := true
		out.Upgrade = &yes
	}
	if r.Next != nil {
		out.StreamingStrategy = &httpapi.StreamingStrategy{Callback: &httpapi.StreamingStrategyCallback{
			Callback: candid.Func{Service: m.Self(), Method: "http_request_streaming_callback"},
			Token:    httpapi.StreamingToken(*r.Next),
		}}
	}
	return out
}
