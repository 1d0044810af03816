package catalog

import (
	"bytes"
	"errors"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"assay/commitment"
)

// hubServer serves files by path and counts requests.
func hubServer(t *testing.T, files map[string][]byte) (string, *int) {
	t.Helper()
	requests := 0
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		requests++
		data, ok := files[r.URL.Path]
		if !ok {
			http.NotFound(w, r)
			return
		}
		if _, err := w.Write(data); err != nil {
			t.Error(err)
		}
	}))
	t.Cleanup(server.Close)
	return server.URL, &requests
}

func hubModel(t *testing.T, data []byte) (*Folder, Manifest, File) {
	t.Helper()
	folder, err := OpenFolder(t.TempDir())
	if err != nil {
		t.Fatal(err)
	}
	file := File{RoleModel, HashOf(data), uint64(len(data))}
	m := MiniLM()
	m.Files = []File{file}
	return folder, m, file
}

func TestHub(t *testing.T) {
	t.Parallel()
	data := bytes.Repeat([]byte("weights "), 3<<20)
	folder, m, file := hubModel(t, data)
	base, requests := hubServer(t, map[string][]byte{"/owner/name/resolve/abc123/onnx/model.onnx": data})
	hub := Hub{Base: base, Repository: "owner/name", Revision: "abc123", Files: map[commitment.Hash]string{file.SHA256: "onnx/model.onnx"}}
	var said strings.Builder
	for range 2 {
		if err := folder.Ensure(t.Context(), m, []Source{hub}, func(s string) { said.WriteString(s + "\n") }); err != nil {
			t.Fatal(err)
		}
	}
	if *requests != 1 {
		t.Errorf("%d requests, want one and then the folder", *requests)
	}
	if !strings.Contains(said.String(), "of 25.2 MB arrived") {
		t.Errorf("progress says %q", said.String())
	}
}

func TestHubRefuses(t *testing.T) {
	t.Parallel()
	data := []byte("weights")
	folder, m, file := hubModel(t, data)
	base, _ := hubServer(t, map[string][]byte{
		"/o/n/resolve/main/flipped": []byte("weighty"), "/o/n/resolve/main/short": data[:3], "/o/n/resolve/main/long": append(data[:7:7], '!'),
	})
	for name, hub := range map[string]Hub{
		"other bytes": {Base: base, Repository: "o/n", Files: map[commitment.Hash]string{file.SHA256: "flipped"}},
		"fewer bytes": {Base: base, Repository: "o/n", Files: map[commitment.Hash]string{file.SHA256: "short"}},
		"more bytes":  {Base: base, Repository: "o/n", Files: map[commitment.Hash]string{file.SHA256: "long"}},
		"no file":     {Base: base, Repository: "o/n", Files: map[commitment.Hash]string{file.SHA256: "absent"}},
		"a way out":   {Base: base, Repository: "o/n", Files: map[commitment.Hash]string{file.SHA256: "../../secret"}},
		"no scheme":   {Base: "ftp://host", Repository: "o/n", Files: map[commitment.Hash]string{file.SHA256: "x"}},
		"no server":   {Base: "http://127.0.0.1:1", Repository: "o/n", Files: map[commitment.Hash]string{file.SHA256: "x"}},
	} {
		if err := folder.Ensure(t.Context(), m, []Source{hub}, nil); err == nil {
			t.Errorf("%s: accepted", name)
		}
		if _, err := folder.Open(file); !errors.Is(err, ErrMissing) {
			t.Errorf("%s: the folder holds something: %v", name, err)
		}
	}
	if (Hub{}).Has(file) {
		t.Error("an empty hub has the file")
	}
}
