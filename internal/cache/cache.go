// Package cache names the one folder in which Assay keeps what can be fetched or built
// again: model files, linked canisters, compiled modules, test-only tools. The command
// line, the canister builder and tests ask it for paths; it never deletes anything.
package cache

import (
	"fmt"
	"os"
	"path/filepath"
)

// Dir is a sub-folder of the cache, created when missing: $ASSAY_CACHE if set, else
// "assay" in the user's cache folder.
func Dir(sub ...string) (string, error) {
	root := os.Getenv("ASSAY_CACHE")
	if root == "" {
		user, err := os.UserCacheDir()
		if err != nil {
			return "", fmt.Errorf("find a cache folder: %w; set ASSAY_CACHE to a folder that can be written", err)
		}
		root = filepath.Join(user, "assay")
	}
	root, err := filepath.Abs(root)
	if err != nil {
		return "", err
	}
	dir := filepath.Join(append([]string{root}, sub...)...)
	if err := os.MkdirAll(dir, 0o755); err != nil {
		return "", fmt.Errorf("create cache folder: %w; set ASSAY_CACHE to a folder that can be written", err)
	}
	return dir, nil
}
