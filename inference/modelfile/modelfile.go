// Package modelfile opens ONNX models on disk: it maps the model and the files beside it that hold larger tensors
// into memory, and parses them, so that a model of many gigabytes costs the memory of its nodes and of the tensors
// that are read.
//
//	file, err := modelfile.Open("model.onnx", onnx.Limits{})
//	…
//	defer file.Close()
//	use(file.Graph)
//
// Where the system cannot map files they are read whole. Files must stay as they are while they are open: one that
// is cut short under a map ends the process when the missing part is read. inference/onnx does the parsing and
// checks all that is in the files; callers that keep models by hash, as inference/catalog does, check the hash first.
package modelfile

import (
	"errors"
	"fmt"
	"math"
	"os"
	"path/filepath"

	"assay/inference/onnx"
)

// File is an open model. The tensors of Graph must not be used after Close.
type File struct {
	Graph *onnx.Graph
	// Bytes is the model file itself, without what lies beside it.
	Bytes []byte

	folder *os.Root
	maps   []mapped
}

// Open maps and parses a model. A bad model is an [*onnx.Error], a file that cannot be read an [*os.PathError].
func Open(path string, limits onnx.Limits) (*File, error) {
	folder, err := os.OpenRoot(filepath.Dir(path))
	if err != nil {
		return nil, err
	}
	f := &File{folder: folder}
	model, err := os.Open(path)
	if err == nil {
		f.Bytes, err = f.add(model)
	}
	if err == nil {
		if f.Graph, err = onnx.ParseExternal(f.Bytes, limits, beside{f}); err != nil {
			err = fmt.Errorf("%s: %w", path, err)
		}
	}
	if err != nil {
		return nil, errors.Join(err, f.Close())
	}
	return f, nil
}

// Size is the bytes of the model and of the files beside it that it uses.
func (f *File) Size() int64 {
	size := int64(0)
	for _, m := range f.maps {
		size += int64(len(m.bytes))
	}
	return size
}

// Close gives the memory back.
func (f *File) Close() error {
	errs := []error{f.folder.Close()}
	for _, m := range f.maps {
		errs = append(errs, m.close())
	}
	f.Graph, f.Bytes, f.maps = nil, nil, nil
	return errors.Join(errs...)
}

// beside opens the files in the model's folder and below, and no link that leads out of it.
type beside struct{ file *File }

// Open maps a file for the parser.
func (b beside) Open(location string) ([]byte, error) {
	f, err := b.file.folder.Open(filepath.FromSlash(location))
	if err != nil {
		return nil, err
	}
	return b.file.add(f)
}

// add maps an opened file and closes it; the map outlives it.
func (f *File) add(file *os.File) ([]byte, error) {
	defer file.Close()
	info, err := file.Stat()
	if err != nil {
		return nil, err
	}
	if !info.Mode().IsRegular() {
		return nil, fmt.Errorf("%s is no regular file", file.Name())
	}
	if info.Size() > math.MaxInt {
		return nil, fmt.Errorf("%s has %d bytes, more than this machine can address", file.Name(), info.Size())
	}
	m, err := open(file, int(info.Size()))
	if err != nil {
		return nil, err
	}
	f.maps = append(f.maps, m)
	return m.bytes, nil
}
