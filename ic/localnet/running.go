package localnet

import (
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
)

// runningFile is in a network's folder while it is served.
const runningFile = "running.json"

// Running is what a served network leaves in its folder, so that other programs find it.
type Running struct {
	URL     string `json:"url"`
	Port    int    `json:"port"`
	RootKey string `json:"root_key"` // hex of the DER
	PID     int    `json:"pid"`
}

// ErrNotRunning says that no network is served from a folder.
var ErrNotRunning = errors.New("no network runs from this folder")

// FindRunning reads where the folder's network listens. A network that was killed leaves
// the file behind, so somebody has to answer there before it is believed.
func FindRunning(dir string) (r Running, err error) {
	file := filepath.Join(dir, runningFile)
	b, err := os.ReadFile(file)
	if errors.Is(err, fs.ErrNotExist) {
		return r, fmt.Errorf("%s: %w", dir, ErrNotRunning)
	}
	if err != nil {
		return r, err
	}
	if err := json.Unmarshal(b, &r); err != nil {
		return r, fmt.Errorf("read %s: %w", file, err)
	}
	return r, nil
}

// mark writes the file.
func (n *Network) mark(dir string) error {
	b, err := json.Marshal(Running{URL: n.URL, Port: n.Port, RootKey: hex.EncodeToString(n.RootKey), PID: os.Getpid()})
	if err != nil {
		return err
	}
	if err := WriteWhole(filepath.Join(dir, runningFile), append(b, '\n')); err != nil {
		return fmt.Errorf("say where the network listens: %w", err)
	}
	return nil
}

// unmark takes it away. Who finds it all the same finds nobody there.
func unmark(dir string) { _ = os.Remove(filepath.Join(dir, runningFile)) }

// WriteWhole writes a file in one step, so that no reader sees half of it.
func WriteWhole(file string, content []byte) error {
	f, err := os.CreateTemp(filepath.Dir(file), "."+filepath.Base(file)+"-*")
	if err != nil {
		return err
	}
	defer os.Remove(f.Name()) // fails after the rename, as it should
	_, err = f.Write(content)
	if err = errors.Join(err, f.Chmod(0o644), f.Close()); err != nil {
		return err
	}
	return os.Rename(f.Name(), file)
}
