package gateway

import (
	"bytes"
	"compress/flate"
	"compress/gzip"
	"crypto/sha256"
	"fmt"
	"io"
	"strings"
	"time"

	"assay/ic/certificate/hashtree"
	"assay/ic/certificate/httpcert"
	"assay/ic/principal"
)

// MaxDecoded is how long a body may become that comes compressed.
const MaxDecoded = 64 << 20

// fallback answers, in version 1, for every path that is not there.
const fallback = "/index.html"

// VerifyLegacy is [Verify] for version 1 of response verification: that the body is the
// one that the canister certified for the request's path. Of the status and the headers
// nothing is known.
func VerifyLegacy(request httpcert.Request, response httpcert.Response, rootKey []byte, canister principal.Principal, now time.Time) error {
	if err := verifyLegacy(request, response, rootKey, canister, now); err != nil {
		return fmt.Errorf("response of version 1 to %s %.200q: %w", request.Method, request.URL, err)
	}
	return nil
}

func verifyLegacy(request httpcert.Request, response httpcert.Response, rootKey []byte, canister principal.Principal, now time.Time) error {
	header, count := httpcert.Find(response.Headers, httpcert.CertificateHeader)
	if count != 1 {
		return ErrHeaders
	}
	proof, err := httpcert.ParseLegacyProof(header)
	if err != nil {
		return err
	}
	tree, err := certifiedTree(proof, rootKey, canister, now)
	if err != nil {
		return err
	}
	want, err := legacyHash(tree, request.URL)
	if err != nil {
		return err
	}
	sent := sha256.Sum256(response.Body)
	if bytes.Equal(want, sent[:]) { // some canisters certify bodies as they are sent
		return nil
	}
	body, err := decodeBody(response)
	if err != nil {
		return err
	}
	if decoded := sha256.Sum256(body); !bytes.Equal(want, decoded[:]) {
		return ErrResponse
	}
	return nil
}

// legacyHash is what the tree holds for the path or, where the path is proved not to be
// there, for the fallback.
func legacyHash(tree hashtree.Node, url string) ([]byte, error) {
	path, _, err := httpcert.SplitURL(url)
	if err != nil {
		return nil, err
	}
	value, result := tree.Lookup([]byte("http_assets"), []byte(path))
	if result == hashtree.Absent {
		value, result = tree.Lookup([]byte("http_assets"), []byte(fallback))
	}
	if result != hashtree.Found {
		return nil, fmt.Errorf("%.200q is %s: %w", path, result, ErrPath)
	}
	return value, nil
}

// decodeBody undoes the encoding that the response names, if it is one that version 1
// knows.
func decodeBody(response httpcert.Response) ([]byte, error) {
	encoding, _ := httpcert.Find(response.Headers, "Content-Encoding")
	var r io.Reader
	switch strings.ToLower(encoding) {
	case "gzip":
		z, err := gzip.NewReader(bytes.NewReader(response.Body))
		if err != nil {
			return nil, fmt.Errorf("%w: %w", ErrResponse, err)
		}
		r = z
	case "deflate":
		r = flate.NewReader(bytes.NewReader(response.Body))
	default:
		return response.Body, nil
	}
	body, err := io.ReadAll(io.LimitReader(r, MaxDecoded+1))
	if err != nil {
		return nil, fmt.Errorf("%w: %w", ErrResponse, err)
	}
	if len(body) > MaxDecoded {
		return nil, fmt.Errorf("body of more than %d bytes: %w", MaxDecoded, ErrResponse)
	}
	return body, nil
}
