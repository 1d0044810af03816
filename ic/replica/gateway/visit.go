package gateway

import (
	"context"
	"crypto/rand"
	"fmt"
	"net/http"
	"slices"
	"strings"
	"time"

	"assay/ic/certificate/gateway"
	"assay/ic/certificate/httpcert"
	"assay/ic/principal"
	"assay/ic/replica"
)

// metadataVersions is the public section in which a canister names the versions of
// response verification that it supports.
const metadataVersions = "supported_certificate_versions"

// visit is one request to a canister.
type visit struct {
	*server
	ctx      context.Context
	canister principal.Principal
	request  httpcert.Request
}

// answer asks the canister, verifies what it says and joins the parts of a body that it
// gives by ranges.
func (v *visit) answer() (httpcert.Response, error) {
	first, verified, err := v.ask(v.request)
	if err != nil || !verified || first.Status != http.StatusPartialContent || has(v.request.Headers, "range") {
		return first, err
	}
	return v.joinRanges(first)
}

// ask is one request and its response. What an update call answered the network vouches
// for itself: it is not verified again.
func (v *visit) ask(q httpcert.Request) (response httpcert.Response, verified bool, err error) {
	arg, err := encodeRequest(q)
	if err != nil {
		return response, false, fmt.Errorf("encode the request: %w", err)
	}
	reply, err := v.read(arg)
	if err != nil {
		return response, false, err
	}
	if reply.upgrade {
		response, err = v.update(q)
		return response, false, err
	}
	if err := v.stream(&reply); err != nil {
		return response, false, err
	}
	return reply.response, true, v.verify(q, reply.response)
}

func (v *visit) read(arg []byte) (reply, error) {
	msg, err := v.query("http_request", arg)
	if err != nil {
		return reply{}, err
	}
	r, err := decodeReply(msg)
	if err != nil {
		return reply{}, v.malformed("http_request", err)
	}
	return r, nil
}

func (v *visit) query(method string, arg []byte) ([]byte, error) {
	msg, reject := v.Engine.Query(v.ctx, replica.Query{
		Sender: principal.Anonymous, Canister: v.canister, Effective: v.canister, Method: method, Arg: arg,
	})
	if reject != nil {
		return nil, v.rejected(reject)
	}
	return msg, nil
}

// update sends the request again as a call that may change the canister.
func (v *visit) update(q httpcert.Request) (httpcert.Response, error) {
	arg, err := encodeUpdate(q)
	if err != nil {
		return httpcert.Response{}, fmt.Errorf("encode the request: %w", err)
	}
	in := replica.Ingress{
		Sender: principal.Anonymous, Canister: v.canister, Effective: v.canister, Method: "http_request_update",
		Arg: arg, Expiry: v.Engine.Time().Add(updateTime),
	}
	rand.Read(in.ID[:]) //nolint:errcheck // never fails
	if reject := v.Engine.Submit(v.ctx, in); reject != nil {
		return httpcert.Response{}, v.rejected(reject)
	}
	status, err := v.Engine.Await(v.ctx, in.ID)
	switch {
	case err != nil:
		return httpcert.Response{}, problem(http.StatusGatewayTimeout, "No answer", "Canister %s has not answered: %v.", v.canister, err)
	case status.Reject != nil:
		return httpcert.Response{}, v.rejected(status.Reject)
	}
	r, err := decodeReply(status.Reply)
	if err != nil {
		return httpcert.Response{}, v.malformed("http_request_update", err)
	}
	return r.response, v.stream(&r)
}

// updateTime is how long an update call may wait to be executed.
const updateTime = 4 * time.Minute

// stream appends the parts of a body that a callback gives.
func (v *visit) stream(r *reply) error {
	if r.more == nil {
		return nil
	}
	if r.more.callback.Service != v.canister {
		return problem(http.StatusServiceUnavailable, "A body from elsewhere", "Canister %s gives the rest of its body by a method of %s.", v.canister, r.more.callback.Service)
	}
	token := r.more.token
	for n := 0; token != nil; n++ {
		msg, err := v.query(r.more.callback.Method, token)
		if err != nil {
			return err
		}
		p, err := decodePart(msg)
		if err != nil {
			return v.malformed(r.more.callback.Method, err)
		}
		if err := v.append(&r.response, p.body, n); err != nil {
			return err
		}
		token = p.token
	}
	return nil
}

func (v *visit) append(to *httpcert.Response, body []byte, parts int) error {
	if parts >= maxParts || len(to.Body)+len(body) > maxResponse {
		return problem(http.StatusServiceUnavailable, "The response is too large", "Canister %s gives more than %d parts or %d bytes.", v.canister, maxParts, maxResponse)
	}
	to.Body = append(to.Body, body...)
	return nil
}

// verify wants the response to be certified, by version 2 unless the canister has no more
// than version 1.
func (v *visit) verify(q httpcert.Request, a httpcert.Response) error {
	now := v.Engine.Time()
	err := v.verifyVersion(q, a, now)
	if err == nil {
		return nil
	}
	return problem(http.StatusServiceUnavailable, "Response verification failed",
		"What canister %s answers to %s %.200s is not certified, and is not shown: %v.", v.canister, q.Method, q.URL, err)
}

func (v *visit) verifyVersion(q httpcert.Request, a httpcert.Response, now time.Time) error {
	header, count := httpcert.Find(a.Headers, httpcert.CertificateHeader)
	if count != 1 {
		return gateway.ErrHeaders
	}
	kind, err := httpcert.Version(header)
	if err != nil {
		return err
	}
	if kind == 2 {
		_, err := gateway.Verify(q, a, v.RootKey, v.canister, now)
		return err
	}
	if err := v.legacyAllowed(); err != nil {
		return err
	}
	return gateway.VerifyLegacy(q, a, v.RootKey, v.canister, now)
}

// legacyAllowed wants a canister not to claim more than version 1. A private section
// could say anything.
func (v *visit) legacyAllowed() error {
	info, _ := v.Engine.Info(v.canister)
	section, ok := info.Metadata[metadataVersions]
	if !ok {
		return nil
	}
	if !section.Public {
		return fmt.Errorf("its section %s is private", metadataVersions)
	}
	if slices.ContainsFunc(strings.Split(string(section.Value), ","), func(s string) bool { return strings.TrimSpace(s) == "2" }) {
		return fmt.Errorf("it supports version 2 and answers with version 1")
	}
	return nil
}
