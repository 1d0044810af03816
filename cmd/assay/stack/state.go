package stack

import (
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"regexp"

	"assay/ic/identity"
	"assay/ic/principal"
)

// stateVersion is the layout of [State]; another one is refused.
const stateVersion = 1

// State is what a stack's folder remembers, in stack.json: addresses, names and ids, all of
// it public. Keys lie beside it in keys/, readable by the owner alone.
type State struct {
	Version   int                            `json:"version"`
	Network   string                         `json:"network,omitempty"` // its name, as package destination takes it; empty: the embedded one
	URL       string                         `json:"url"`               // the network's HTTP interface
	RootKey   string                         `json:"root_key"`          // hex of the DER
	Canisters map[string]principal.Principal `json:"canisters"`
	Model     ModelState                     `json:"model"`
	Providers []ProviderState                `json:"providers"`
	Deployed  bool                           `json:"deployed"` // canisters are installed and controllers set
	Admitted  bool                           `json:"admitted"` // the members have voted
}

// ModelState names the model that the stack runs.
type ModelState struct {
	Name      string `json:"name"`
	Root      string `json:"root"` // hex
	Dimension int    `json:"dimension"`
	Tiny      bool   `json:"tiny"`
}

// ProviderState names a provider of the stack.
type ProviderState struct {
	Name     string              `json:"name"`
	Operator principal.Principal `json:"operator"`
	Worker   principal.Principal `json:"worker"`
}

// ErrNoStack says that a folder holds no stack.
var ErrNoStack = errors.New("no stack here: start one with `assay up`")

// ReadState reads a folder's stack.json.
func ReadState(dir string) (s State, err error) {
	b, err := os.ReadFile(filepath.Join(dir, "stack.json"))
	if errors.Is(err, fs.ErrNotExist) {
		return s, fmt.Errorf("%s: %w", dir, ErrNoStack)
	}
	if err != nil {
		return s, err
	}
	if err := json.Unmarshal(b, &s); err != nil {
		return s, fmt.Errorf("read %s: %w", filepath.Join(dir, "stack.json"), err)
	}
	if s.Version != stateVersion {
		return s, fmt.Errorf("%s was written by another version (layout %d, this program reads %d): use a new folder", dir, s.Version, stateVersion)
	}
	return s, nil
}

func (s State) write(dir string) error {
	b, err := json.MarshalIndent(s, "", "  ")
	if err != nil {
		return err
	}
	file := filepath.Join(dir, "stack.json")
	if err := os.WriteFile(file+".new", append(b, '\n'), 0o644); err != nil {
		return err
	}
	return os.Rename(file+".new", file)
}

// RootKeyDER is the network's root key.
func (s State) RootKeyDER() ([]byte, error) {
	b, err := hex.DecodeString(s.RootKey)
	if err != nil {
		return nil, fmt.Errorf("root key in stack.json: %w", err)
	}
	return b, nil
}

// ErrRole says that a name cannot be an identity's.
var ErrRole = errors.New("not a name for an identity")

var isRole = regexp.MustCompile(`^[A-Za-z0-9][A-Za-z0-9-]{0,63}$`)

// Key is one of the stack's identities by role: "developer", "user", "member-1",
// "operator-alpha", "worker-alpha" and so on. A new one is made when it is asked for first.
// A role is a word, since it becomes a file's name.
func Key(dir, role string) (*identity.Key, error) {
	if !isRole.MatchString(role) {
		return nil, fmt.Errorf("%w %q: take up to 64 letters, digits and hyphens, such as member-1", ErrRole, role)
	}
	folder := filepath.Join(dir, "keys")
	if err := os.MkdirAll(folder, 0o700); err != nil {
		return nil, err
	}
	return identity.LoadOrCreate(filepath.Join(folder, role+".pem"))
}
