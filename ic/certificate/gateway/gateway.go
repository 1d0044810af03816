// Package gateway checks what HTTP gateways check before they pass on a canister's
// response: response verification.
//
// Gateways, and clients and tests that talk HTTP with a canister through queries, call
// [Verify]; the forms are those of package httpcert. It asks nobody anything: root key and
// time are given. What a canister answers to an update call has the network's own
// certificate and needs no check here. Verify takes version 2 alone. Version 1, which
// leaves status and headers open, is [VerifyLegacy]'s; whoever calls it has made sure that
// the canister has nothing better.
package gateway

import (
	"errors"
	"fmt"
	"slices"
	"time"

	"assay/ic/certificate"
	"assay/ic/certificate/hashtree"
	"assay/ic/certificate/httpcert"
	"assay/ic/principal"
)

// MaxAge is how old a certificate may be, and how far ahead of this machine's clock.
const MaxAge = 5 * time.Minute

// The reasons for which a response is refused, beside those of package certificate and
// [httpcert.ErrMalformed].
var (
	ErrHeaders    = errors.New("not one certificate header and one expression header")
	ErrPath       = errors.New("expression path does not answer this request")
	ErrSpecific   = errors.New("a more specific expression path exists, or may exist")
	ErrExpression = errors.New("expression is not certified")
	ErrResponse   = errors.New("response to this request is not certified")
)

// Answer is what holds of a response that was checked.
type Answer struct {
	// Skipped says that the canister certified that it certifies nothing here: of the
	// response nothing is known.
	Skipped bool
	// Path and Expression say where and how it is certified.
	Path       httpcert.Path
	Expression httpcert.Expression
	// Headers are those that are certified. The others anybody on the way can change.
	Headers []httpcert.Header
}

// Verify checks that the network with this root key (DER) certified, for the canister and
// at most [MaxAge] ago, that this response may answer this request. The request is as the
// canister got it.
func Verify(request httpcert.Request, response httpcert.Response, rootKey []byte, canister principal.Principal, now time.Time) (Answer, error) {
	a, err := verify(request, response, rootKey, canister, now)
	if err != nil {
		return Answer{}, fmt.Errorf("response to %s %.200q: %w", request.Method, request.URL, err)
	}
	return a, nil
}

func verify(request httpcert.Request, response httpcert.Response, rootKey []byte, canister principal.Principal, now time.Time) (Answer, error) {
	header, certificates := httpcert.Find(response.Headers, httpcert.CertificateHeader)
	text, expressions := httpcert.Find(response.Headers, httpcert.ExpressionHeader)
	if certificates != 1 || expressions != 1 {
		return Answer{}, ErrHeaders
	}
	proof, err := httpcert.ParseProof(header)
	if err != nil {
		return Answer{}, err
	}
	expression, err := httpcert.ParseExpression(text)
	if err != nil {
		return Answer{}, err
	}
	tree, err := certifiedTree(proof, rootKey, canister, now)
	if err != nil {
		return Answer{}, err
	}
	if err := checkPath(tree, proof.Path, request.URL); err != nil {
		return Answer{}, err
	}
	hash := httpcert.ExpressionHash(text)
	if _, found := tree.Subtree(proof.Path.Labels(hash[:])...); found != hashtree.Found {
		return Answer{}, ErrExpression
	}
	if expression.Skip {
		return Answer{Skipped: true, Path: proof.Path, Expression: expression}, nil
	}
	if err := checkHashes(tree, proof.Path.Labels(hash[:]), expression, request, response); err != nil {
		return Answer{}, err
	}
	return Answer{Path: proof.Path, Expression: expression, Headers: expression.Certified(response.Headers)}, nil
}

func certifiedTree(proof httpcert.Proof, rootKey []byte, canister principal.Principal, now time.Time) (hashtree.Node, error) {
	c, err := certificate.Decode(proof.Certificate)
	if err != nil {
		return hashtree.Node{}, err
	}
	if err := c.Verify(rootKey, canister, now, MaxAge); err != nil {
		return hashtree.Node{}, err
	}
	return c.VerifyWitness(canister, proof.Tree)
}

// checkPath wants the path to be the first of the request's candidates that is in the
// tree. That those before it are not there must be proved.
func checkPath(tree hashtree.Node, path httpcert.Path, url string) error {
	requested, _, err := httpcert.SplitURL(url)
	if err != nil {
		return err
	}
	candidates := httpcert.Candidates(requested)
	if !slices.ContainsFunc(candidates, path.Equal) {
		return fmt.Errorf("%q: %w", path, ErrPath)
	}
	for _, candidate := range candidates {
		_, result := tree.Subtree(candidate.Labels()...)
		switch {
		case candidate.Equal(path) && result == hashtree.Found:
			return nil
		case candidate.Equal(path):
			return fmt.Errorf("%q is %s: %w", path, result, ErrPath)
		case result != hashtree.Absent:
			return fmt.Errorf("%q answers, %q is %s: %w", path, candidate, result, ErrSpecific)
		}
	}
	return ErrPath // the path is among the candidates
}

func checkHashes(tree hashtree.Node, at [][]byte, e httpcert.Expression, request httpcert.Request, response httpcert.Response) error {
	var asked []byte
	if e.Request != nil {
		hash, err := httpcert.RequestHash(request, *e.Request)
		if err != nil {
			return err
		}
		asked = hash[:]
	}
	answer := httpcert.ResponseHash(response, e)
	value, result := tree.Lookup(append(at, asked, answer[:])...)
	if result != hashtree.Found || len(value) > 0 {
		return ErrResponse
	}
	return nil
}
