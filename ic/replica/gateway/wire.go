package gateway

import (
	"assay/ic/candid"
	"assay/ic/certificate/httpcert"
)

// version of response verification that the gateway asks for.
const version uint16 = 2

// Headers of the messages that a canister gets: the type table of HttpRequest and of
// HttpUpdateRequest, whose fields stand in the order of their ids: url, method, body,
// headers and certificate_version.
var (
	headerRequest = candid.Header{Text: "DIDL\x05l\x05\xef\xd6\xe4\x02q\xe1\xed\xebJq\xa2\xf5\xed\x88\x04\x01\xc6\xa4\xa1\x98\x06\x02\xb0\xf1\xb9\x98\x06\x04m{m\x03l\x02\x00q\x01qnz\x01\x00"}
	headerUpdate  = candid.Header{Text: "DIDL\x04l\x04\xef\xd6\xe4\x02q\xe1\xed\xebJq\xa2\xf5\xed\x88\x04\x01\xc6\xa4\xa1\x98\x06\x02m{m\x03l\x02\x00q\x01q\x01\x00"}
)

// Ids of the fields and tags of what a canister answers.
const (
	fieldToken     = 338395897  // token
	fieldBody      = 1092319906 // body
	tagCallback    = 1488475621 // Callback
	fieldHeaders   = 1661489734 // headers
	fieldUpgrade   = 1664201884 // upgrade
	fieldCallback  = 2131139013 // callback
	fieldStreaming = 3427158832 // streaming_strategy
	fieldStatus    = 3475804314 // status_code
)

// reply is what http_request and http_request_update return.
type reply struct {
	response httpcert.Response
	upgrade  bool
	more     *strategy
}

// strategy says how the rest of a body is had.
type strategy struct {
	callback candid.Func
	token    []byte // a message of one value, of whatever type the canister chose
}

// part is what a callback returns.
type part struct {
	body  []byte
	token []byte // nil: the body ends here
}

func encodeRequest(q httpcert.Request) ([]byte, error) {
	e := headerRequest.NewEncoder()
	putRequest(e, q)
	v := version
	some := &v
	candid.PutOpt(e, &some, candid.PutNat16)
	return e.Finish("HttpRequest")
}

func encodeUpdate(q httpcert.Request) ([]byte, error) {
	e := headerUpdate.NewEncoder()
	putRequest(e, q)
	return e.Finish("HttpUpdateRequest")
}

func putRequest(e *candid.Encoder, q httpcert.Request) {
	candid.PutText(e, &q.URL)
	candid.PutText(e, &q.Method)
	candid.PutBlob(e, &q.Body)
	candid.PutVec(e, &q.Headers, func(e *candid.Encoder, h *httpcert.Header) {
		candid.PutText(e, &h.Name)
		candid.PutText(e, &h.Value)
	})
}

func decodeReply(msg []byte) (out reply, err error) {
	d := candid.NewDecoder(msg)
	r := d.Record(d.Arg())
	candid.GetBlob(d, r.Field(fieldBody), &out.response.Body)
	candid.GetVec(d, r.Field(fieldHeaders), &out.response.Headers, getHeader)
	var upgrade *bool
	candid.GetOpt(d, r.Field(fieldUpgrade), &upgrade, candid.GetBool)
	out.upgrade = upgrade != nil && *upgrade
	candid.GetOpt(d, r.Field(fieldStreaming), &out.more, getStrategy)
	candid.GetNat16(d, r.Field(fieldStatus), &out.response.Status)
	r.End()
	return out, d.Finish("HttpResponse")
}

func getHeader(d *candid.Decoder, t candid.Type, h *httpcert.Header) {
	r := d.Record(t)
	candid.GetText(d, r.Field(0), &h.Name)
	candid.GetText(d, r.Field(1), &h.Value)
	r.End()
}

func getStrategy(d *candid.Decoder, t candid.Type, s *strategy) {
	id, payload := d.Variant(t)
	if id != tagCallback {
		d.UnknownTag()
	}
	r := d.Record(payload)
	getRaw(d, r.Field(fieldToken), &s.token)
	candid.GetFunc(d, r.Field(fieldCallback), &s.callback)
	r.End()
	d.EndVariant()
}

func getRaw(d *candid.Decoder, t candid.Type, token *[]byte) { *token = d.Raw(t) }

// decodePart reads what a callback returns: a record or, as asset canisters have it, an
// option of one, which is nil when there is nothing more.
func decodePart(msg []byte) (part, error) {
	d := candid.NewDecoder(msg)
	var p *part
	candid.GetOpt(d, d.Arg(), &p, func(d *candid.Decoder, t candid.Type, p *part) {
		r := d.Record(t)
		var token *[]byte
		candid.GetOpt(d, r.Field(fieldToken), &token, getRaw)
		if token != nil {
			p.token = *token
		}
		candid.GetBlob(d, r.Field(fieldBody), &p.body)
		r.End()
	})
	if err := d.Finish("StreamingCallbackHttpResponse"); err != nil || p == nil {
		return part{}, err
	}
	return *p, nil
}
