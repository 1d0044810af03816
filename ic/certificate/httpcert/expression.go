package httpcert

import (
	"strings"

	"assay/ic/kernel/sha256"
)

// Limits of an expression.
const (
	maxExpression = 8 << 10 // bytes
	maxNames      = 128     // of headers and parameters in one list
)

// Expression says what of a request and its response is certified.
type Expression struct {
	// Skip says that nothing is. The other fields mean nothing then.
	Skip bool
	// Request is what of the request is certified beside its method and body; nil for
	// nothing at all.
	Request *RequestPart
	// Headers are the response's headers that are certified or, with Exclude, those that
	// are not. Status and body always are.
	Headers []string
	Exclude bool
}

// RequestPart names headers and parameters of the query.
type RequestPart struct{ Headers, Parameters []string }

// String is the value of the expression's header.
func (e Expression) String() string {
	var b strings.Builder
	b.WriteString("default_certification(ValidationArgs{")
	if e.Skip {
		b.WriteString("no_certification:Empty{}})")
		return b.String()
	}
	b.WriteString("certification:Certification{")
	if e.Request == nil {
		b.WriteString("no_request_certification:Empty{}")
	} else {
		b.WriteString("request_certification:RequestCertification{certified_request_headers:")
		writeList(&b, e.Request.Headers)
		b.WriteString(",certified_query_parameters:")
		writeList(&b, e.Request.Parameters)
		b.WriteByte('}')
	}
	b.WriteString(",response_certification:ResponseCertification{" + listName(e.Exclude) + ":ResponseHeaderList{headers:")
	writeList(&b, e.Headers)
	b.WriteString("}}}})")
	return b.String()
}

func listName(exclude bool) string {
	if exclude {
		return "response_header_exclusions"
	}
	return "certified_response_headers"
}

func writeList(b *strings.Builder, names []string) {
	b.WriteByte('[')
	for i, n := range names {
		if i > 0 {
			b.WriteByte(',')
		}
		b.WriteString(`"` + n + `"`)
	}
	b.WriteByte(']')
}

// ExpressionHash is the label that stands for the value of an expression's header.
func ExpressionHash(value string) [32]byte { return sha256.Sum256([]byte(value)) }

// ParseExpression reads the value of an expression's header, in the order in which
// [Expression.String] writes it; white space may stand between its parts.
func ParseExpression(value string) (Expression, error) {
	if len(value) > maxExpression {
		return Expression{}, malformed("expression of %d bytes, at most %d are read", len(value), maxExpression)
	}
	r := &reader{rest: value}
	var e Expression
	r.want("default_certification", "(", "ValidationArgs", "{")
	if e.Skip = r.have("no_certification"); e.Skip {
		r.want(":", "Empty", "{", "}")
	} else {
		r.want("certification", ":", "Certification", "{")
		e.Request = r.request()
		r.want(",", "response_certification", ":", "ResponseCertification", "{")
		if e.Exclude = r.have(listName(true)); !e.Exclude {
			r.want(listName(false))
		}
		r.want(":", "ResponseHeaderList", "{", "headers", ":")
		e.Headers = r.list()
		r.want("}", "}", "}")
	}
	r.want("}", ")")
	r.space()
	if r.err == nil && r.rest != "" {
		r.err = malformed("expression goes on with %.40q", r.rest)
	}
	for _, h := range e.Headers {
		if r.err == nil && (strings.EqualFold(h, CertificateHeader) || strings.EqualFold(h, ExpressionHeader)) {
			r.err = malformed("expression lists %s", h)
		}
	}
	if r.err != nil {
		return Expression{}, r.err
	}
	return e, nil
}

// reader goes through the text; after an error it does nothing.
type reader struct {
	rest string
	err  error
}

func (r *reader) space() { r.rest = strings.TrimLeft(r.rest, " \t\r\n") }

// have takes a word if it comes next.
func (r *reader) have(word string) bool {
	r.space()
	rest, ok := strings.CutPrefix(r.rest, word)
	if ok && r.err == nil {
		r.rest = rest
	}
	return ok && r.err == nil
}

func (r *reader) want(words ...string) {
	for _, w := range words {
		if !r.have(w) && r.err == nil {
			r.err = malformed("expression: want %s before %.40q", w, r.rest)
		}
	}
}

func (r *reader) request() *RequestPart {
	if r.have("no_request_certification") {
		r.want(":", "Empty", "{", "}")
		return nil
	}
	p := &RequestPart{}
	r.want("request_certification", ":", "RequestCertification", "{", "certified_request_headers", ":")
	p.Headers = r.list()
	r.want(",", "certified_query_parameters", ":")
	p.Parameters = r.list()
	r.want("}")
	return p
}

func (r *reader) list() (out []string) {
	r.want("[")
	if r.have("]") {
		return nil
	}
	for r.err == nil {
		if len(out) == maxNames {
			r.err = malformed("expression: more than %d names in a list", maxNames)
		}
		out = append(out, r.name())
		if !r.have(",") {
			break
		}
	}
	r.want("]")
	return out
}

// name is a text in quotes. Escapes are not read: no header or parameter needs them.
func (r *reader) name() string {
	r.want(`"`)
	end := strings.IndexAny(r.rest, "\"\\\n\x00")
	if r.err == nil && (end < 0 || r.rest[end] != '"') {
		r.err = malformed("expression: a name does not end: %.40q", r.rest)
	}
	if r.err != nil {
		return ""
	}
	name := r.rest[:end]
	r.rest = r.rest[end+1:]
	return name
}
