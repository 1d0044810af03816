package main

import (
	"errors"

	"assay/examples/page/pageapi"
	"assay/ic/cdk"
	"assay/ic/cdk/http"
)

// edge serves own.did.
type edge struct{}

var errController = errors.New("only a controller of this canister may do that")

// change runs f for a controller and says how it went.
func change(m *cdk.Message, f func(*http.Site) error) (pageapi.Done, error) {
	if !m.IsController(m.Caller()) {
		return pageapi.Done{}, errController
	}
	if err := f(web.Site(m)); err != nil {
		text := err.Error()
		return pageapi.Done{Err: &text}, nil
	}
	return pageapi.Done{Ok: true}, nil
}

func asset(a pageapi.Asset) http.Asset {
	return http.Asset{Path: a.Path, Below: a.Below, Type: a.ContentType, Encoding: a.Encoding, Status: a.Status, Stream: a.Stream}
}

func (edge) Put(m *cdk.Message, a pageapi.Asset, body []byte) (pageapi.Done, error) {
	return change(m, func(s *http.Site) error { return s.Put(asset(a), body) })
}

func (edge) Delete(m *cdk.Message, path string) (deleted bool, err error) {
	_, err = change(m, func(s *http.Site) error {
		deleted = s.Delete(path, false)
		return nil
	})
	return deleted, err
}

func (edge) Begin(m *cdk.Message, a pageapi.Asset) (pageapi.BeginResult, error) {
	var id uint64
	done, err := change(m, func(s *http.Site) (err error) {
		id, err = s.Begin(asset(a))
		return err
	})
	if done.Ok {
		return pageapi.BeginResult{Ok: &id}, err
	}
	return pageapi.BeginResult{Err: done.Err}, err
}

func (edge) Write(m *cdk.Message, id uint64, part []byte) (pageapi.Done, error) {
	return change(m, func(s *http.Site) error { return s.Write(id, part) })
}

func (edge) Finish(m *cdk.Message, id uint64) (pageapi.Done, error) {
	return change(m, func(s *http.Site) error { return s.Finish(id) })
}

func (edge) List(m *cdk.Message) ([]pageapi.ListResult, error) {
	out := []pageapi.ListResult{}
	web.Site(m).List(func(i http.Item) bool {
		out = append(out, pageapi.ListResult{Path: i.Path, Below: i.Below, Encoding: i.Encoding, Length: uint64(i.Length), Etag: i.ETag})
		return true
	})
	return out, nil
}
