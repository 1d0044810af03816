package need

import (
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"testing"
)

// Motoko compiles the .mo files of dir, which has package.json, its lock and compile.cjs,
// and returns the folder with their modules. It runs once for the same sources.
func Motoko(t testing.TB, dir string) string {
	t.Helper()
	node, packages := Node(t, dir)
	sources, err := filepath.Glob(filepath.Join(dir, "*.mo"))
	if err != nil || len(sources) == 0 {
		t.Fatalf("no Motoko sources in %s: %v", dir, err)
	}
	var all []byte
	for _, file := range slices.Concat(sources, []string{filepath.Join(dir, "compile.cjs"), filepath.Join(dir, "package-lock.json")}) {
		all = append(append(all, filepath.Base(file)...), read(t, file)...)
	}
	from, err := filepath.Abs(dir)
	if err != nil {
		t.Fatal(err)
	}
	modules := folder(t, "motoko", all)
	once(t, "Motoko canisters", modules, func() error {
		cmd := exec.CommandContext(t.Context(), node, "compile.cjs", from, modules)
		cmd.Dir, cmd.Env = packages, append(os.Environ(), "NODE_PATH=")
		if out, err := cmd.CombinedOutput(); err != nil {
			t.Fatalf("compile Motoko: %v\n%s", err, tail(out))
		}
		return nil
	})
	return modules
}
