package build

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
)

// ErrNoCanister is returned for a folder that is not a canister's.
var ErrNoCanister = errors.New("not the folder of a canister")

// Find is how the canister in a folder is built: the Go main package there, with the
// .did file that has the folder's name, or the only one. CacheDir is left to the caller.
func Find(dir string) (Config, error) {
	abs, err := filepath.Abs(dir)
	if err != nil {
		return Config{}, err
	}
	found, err := filepath.Glob(filepath.Join(escape(abs), "*.did"))
	if err != nil {
		return Config{}, err
	}
	sources, err := filepath.Glob(filepath.Join(escape(abs), "*.go"))
	if err != nil {
		return Config{}, err
	}
	if len(sources) == 0 {
		return Config{}, fmt.Errorf("%s: %w: no Go files", dir, ErrNoCanister)
	}
	c := Config{Package: ".", Dir: abs}
	own := filepath.Base(abs) + ".did"
	if _, err := os.Stat(filepath.Join(abs, own)); err == nil {
		c.Candid = own
		return c, nil
	}
	switch len(found) {
	case 0:
		return Config{}, fmt.Errorf("%s: %w: no .did file", dir, ErrNoCanister)
	case 1:
		c.Candid = filepath.Base(found[0])
		return c, nil
	}
	return Config{}, fmt.Errorf("%s: %w: %d .did files and none is called %s", dir, ErrNoCanister, len(found), own)
}

// escape makes a folder's name stand for itself in a pattern.
func escape(name string) string {
	if filepath.Separator == '\\' {
		return name // there a pattern has no escapes, and * and ? are in no name
	}
	return strings.NewReplacer(`\`, `\\`, `*`, `\*`, `?`, `\?`, `[`, `\[`).Replace(name)
}
