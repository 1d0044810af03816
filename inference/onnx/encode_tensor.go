package onnx

import (
	"strconv"

	"google.golang.org/protobuf/encoding/protowire"
)

func (w *writer) tensor(r *rope, t *Tensor) {
	dims(r, 1, t.Shape)
	r.int(2, int64(t.DType))
	if t.DType == String {
		texts(r, 6, t.Strings)
		r.text(8, t.Name)
		return
	}
	r.text(8, t.Name)
	if w.data != nil && len(t.Raw) >= w.threshold {
		w.external(r, t.Raw)
		return
	}
	r.bytes(9, t.Raw)
}

// page is what external data begins at multiples of, so that it can be mapped.
const page = 4096

func (w *writer) external(r *rope, raw []byte) {
	if gap := (page - w.at%page) % page; gap != 0 {
		w.put(make([]byte, gap))
	}
	entry(r, "location", w.location)
	entry(r, "offset", strconv.FormatInt(w.at, 10))
	entry(r, "length", strconv.Itoa(len(raw)))
	r.int(14, 1)
	w.put(raw)
}

func (w *writer) put(b []byte) {
	w.at += int64(len(b))
	if w.err == nil {
		_, w.err = w.data.Write(b)
	}
}

func entry(r *rope, key, value string) {
	r.message(13, func(r *rope) {
		r.text(1, key)
		r.text(2, value)
	})
}

func dims(r *rope, num protowire.Number, shape []int64) {
	for _, d := range shape {
		r.int(num, d)
	}
}

func (w *writer) sparse(r *rope, s *Sparse) {
	r.message(1, func(r *rope) { w.tensor(r, &s.Values) })
	r.message(2, func(r *rope) { w.tensor(r, &s.Indices) })
	dims(r, 3, s.Shape)
}

func values(r *rope, num protowire.Number, list []Value) {
	for i := range list {
		v := &list[i]
		r.message(num, func(r *rope) {
			r.text(1, v.Name)
			if v.Type != nil {
				r.message(2, func(r *rope) { typeOf(r, v.Type) })
			} else if v.DType != 0 || v.Shape != nil {
				r.message(2, func(r *rope) { typeOf(r, &Type{Kind: TypeTensor, DType: v.DType, Shape: v.Shape}) })
			}
		})
	}
}

func typeOf(r *rope, t *Type) {
	if t.Kind == 0 {
		return
	}
	r.message(protowire.Number(t.Kind), func(r *rope) {
		element := protowire.Number(1)
		if t.Kind == TypeMap {
			element = 2
		}
		if t.DType != 0 {
			r.int(1, int64(t.DType))
		}
		if t.Shape != nil {
			r.message(2, func(r *rope) { shape(r, t.Shape) })
		}
		if t.Element != nil {
			r.message(element, func(r *rope) { typeOf(r, t.Element) })
		}
	})
}

func shape(r *rope, dims []Dim) {
	for _, d := range dims {
		r.message(1, func(r *rope) {
			if d.Size >= 0 {
				r.int(1, d.Size)
			} else {
				r.text(2, d.Symbol)
			}
		})
	}
}
