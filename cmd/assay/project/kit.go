package project

import (
	"fmt"
	"strings"

	"assay"
)

// kitModule is the module path of this repository, under which the kit's packages import
// each other.
const kitModule = "assay"

// outside are the modules that the kit's packages import, directly or not.
var outside = []string{
	"github.com/bits-and-blooms/bitset", "github.com/consensys/gnark-crypto", "github.com/fxamacker/cbor/v2",
	"github.com/tetratelabs/wazero", "github.com/x448/float16", "golang.org/x/sys",
}

// kitFiles are the kit's sources without tests, in the project's folder kit.
func kitFiles() (map[string][]byte, error) {
	files := map[string][]byte{}
	kit, err := sources(assay.Kit)
	if err != nil {
		return nil, err
	}
	for name, b := range kit {
		files["kit/"+name] = b
	}
	files["kit/LICENSE"], err = assay.Kit.ReadFile("LICENSE")
	return files, err
}

// modules writes go.mod and go.sum of the project and of its kit. The project names all
// outside modules too, as the go command wants it, so nothing is left to `go mod tidy`.
func (o Options) modules(files map[string][]byte) error {
	mod, err := assay.Kit.ReadFile("go.mod")
	if err != nil {
		return err
	}
	sum, err := assay.Kit.ReadFile("go.sum")
	if err != nil {
		return err
	}
	version, requires, indirect, sums := "", "", "", ""
	for _, line := range strings.Split(string(mod), "\n") {
		if strings.HasPrefix(line, "go ") {
			version = line
		}
	}
	for _, m := range outside {
		v, note := required(string(mod), m)
		if v == "" {
			return fmt.Errorf("go.mod does not name %s, which the kit needs", m)
		}
		requires += "\t" + m + " " + v + note + "\n"
		indirect += "\t" + m + " " + v + " // indirect\n"
		for _, line := range strings.SplitAfter(string(sum), "\n") {
			if strings.HasPrefix(line, m+" "+v+" ") || strings.HasPrefix(line, m+" "+v+"/go.mod ") {
				sums += line
			}
		}
	}
	files["kit/go.mod"] = []byte("module " + kitModule + "\n\n" + version + "\n\nrequire (\n" + requires + ")\n")
	files["kit/go.sum"] = []byte(sums)
	files["go.sum"] = []byte(sums)
	files["go.mod"] = fmt.Appendf(nil, "module %s\n\n%s\n\nrequire %s v0.0.0\n\nrequire (\n%s)\n\nreplace %s => ./kit\n",
		o.Module, version, kitModule, indirect, kitModule)
	return nil
}

// required is the version of a module in a go.mod, with the comment that it is indirect
// if it is.
func required(mod, path string) (version, note string) {
	for _, line := range strings.Split(mod, "\n") {
		fields := strings.Fields(line)
		if len(fields) >= 2 && fields[0] == path {
			if strings.HasSuffix(line, "// indirect") {
				note = " // indirect"
			}
			return fields[1], note
		}
	}
	return "", ""
}
