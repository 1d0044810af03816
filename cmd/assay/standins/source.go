package standins

import (
	"context"
	"crypto/sha256"
	"errors"
	"fmt"
	"io/fs"
	"maps"
	"os"
	"path"
	"path/filepath"
	"slices"
	"sync"

	"assay"
	"assay/cmd/assay/project"
	"assay/ic/wasm/build"
	"assay/internal/cache"
)

const folder = "canisters/standins"

// unpack writes the stand-ins' sources into the cache folder, under their hash, and returns
// the folder.
var unpack = sync.OnceValues(func() (string, error) {
	files, err := sources()
	if err != nil {
		return "", fmt.Errorf("sources of the stand-ins: %w", err)
	}
	sum := sha256.New()
	for _, name := range slices.Sorted(maps.Keys(files)) {
		fmt.Fprintf(sum, "%s %d\n%s", name, len(files[name]), files[name])
	}
	parent, err := cache.Dir("standins")
	if err != nil {
		return "", err
	}
	dir := filepath.Join(parent, fmt.Sprintf("%x", sum.Sum(nil)[:8]))
	if _, err := os.Stat(dir); err == nil {
		return dir, nil
	}
	return dir, writeAll(parent, dir, files)
})

// sources are all packages of the stand-ins, with interfaces and go.mod.
func sources() (map[string][]byte, error) {
	var mains []string
	for _, s := range all() {
		mains = append(mains, path.Join(folder, s.name))
	}
	files, err := project.Sources(assay.Kit, mains...)
	if err != nil {
		return nil, err
	}
	err = fs.WalkDir(assay.Kit, "canisters", func(name string, d fs.DirEntry, err error) error {
		if err == nil && path.Ext(name) == ".did" {
			files[name], err = assay.Kit.ReadFile(name)
		}
		return err
	})
	for _, name := range []string{"go.mod", "go.sum"} {
		b, readErr := assay.Kit.ReadFile(name)
		files[name], err = b, errors.Join(err, readErr)
	}
	return files, err
}

// writeAll writes the files beside the folder and moves them there when all are written, so that
// nobody builds from a part. Whoever is second finds the folder there.
func writeAll(parent, dir string, files map[string][]byte) error {
	tmp, err := os.MkdirTemp(parent, "new-*")
	if err != nil {
		return err
	}
	defer os.RemoveAll(tmp)
	for name, content := range files {
		file := filepath.Join(tmp, filepath.FromSlash(name))
		if err := os.MkdirAll(filepath.Dir(file), 0o755); err != nil {
			return err
		}
		if err := os.WriteFile(file, content, 0o644); err != nil {
			return err
		}
	}
	if err := os.Rename(tmp, dir); err != nil {
		if _, there := os.Stat(dir); there != nil {
			return err
		}
	}
	return nil
}

func buildIn(ctx context.Context, source, name string) (build.Module, error) {
	dir, err := cache.Dir("canisters")
	if err != nil {
		return build.Module{}, err
	}
	return build.Canister(ctx, build.Config{
		Package: "./" + path.Join(folder, name), Dir: source, CacheDir: dir, Candid: filepath.Join(filepath.FromSlash(folder), name, name+".did"),
	})
}
