package build

import (
	"cmp"
	"context"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"

	"assay/ic/wasm/link"
	"assay/ic/wasm/module"
	"assay/ic/wasm/wat"
)

// kernels assembles the .wat files that lie beside the Go packages of the canister, if its
// code imports any kernel: a package brings its kernels as it brings its Go files. They
// come in the order in which the go command lists packages, which is fixed by the imports.
func (c Config) kernels(ctx context.Context, raw []byte) ([]link.Kernels, error) {
	if imports, err := importsKernels(raw); err != nil || !imports {
		return nil, err
	}
	cmd := exec.CommandContext(ctx, cmp.Or(c.Go, "go"), "list", "-deps", "-f", "{{if not .Standard}}{{.ImportPath}}\t{{.Dir}}{{end}}", c.Package)
	cmd.Dir, cmd.Env = c.Dir, environment(os.Environ())
	listed, err := cmd.Output()
	if err != nil {
		return nil, fmt.Errorf("list packages: %w", cmp.Or(ctx.Err(), err))
	}
	var out []link.Kernels
	for line := range strings.Lines(string(listed)) {
		path, dir, ok := strings.Cut(strings.TrimRight(line, "\r\n"), "\t")
		if !ok {
			continue
		}
		files, err := filepath.Glob(filepath.Join(escape(dir), "*.wat"))
		if err != nil {
			return nil, err
		}
		for _, file := range files {
			k, err := assemble(file)
			if err != nil {
				return nil, err
			}
			out = append(out, link.Kernels{Name: path + "/" + filepath.Base(file), Module: k})
		}
	}
	return out, nil
}

// Merge gives a program for WASI, which the go command built of c's package, the kernels of the packages that it imports.
// It is for programs that run beside canisters on the same code: tests, above all. A program without kernels comes back
// as it is.
func (c Config) Merge(ctx context.Context, raw []byte) ([]byte, error) {
	files, err := c.kernels(ctx, raw)
	if err != nil || files == nil {
		return raw, err
	}
	return link.Merge(raw, files)
}

func importsKernels(raw []byte) (bool, error) {
	m, err := module.Parse(raw)
	if err != nil {
		return false, err
	}
	for _, im := range m.Imports {
		if im.Module == link.KernelModule {
			return true, nil
		}
	}
	return false, nil
}

func assemble(file string) (*module.Module, error) {
	info, err := os.Stat(file)
	if err != nil {
		return nil, err
	}
	if info.Size() > wat.MaxSource {
		return nil, fmt.Errorf("%s is %d bytes long, more than %d", file, info.Size(), wat.MaxSource)
	}
	source, err := os.ReadFile(file)
	if err != nil {
		return nil, err
	}
	m, err := wat.Assemble(source)
	if err != nil {
		return nil, fmt.Errorf("%s:%w", file, err)
	}
	return m, nil
}
