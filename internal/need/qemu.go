package need

import (
	"os"
	"os/exec"
	"path/filepath"
	"testing"
)

// QEMU is an emulator that runs static Linux programs of another architecture, such as
// "aarch64": the machine's own, or Debian's, unpacked into the cache folder without root.
func QEMU(t testing.TB, arch string) string {
	t.Helper()
	for _, name := range []string{"qemu-" + arch, "qemu-" + arch + "-static"} {
		if path, err := exec.LookPath(name); err == nil {
			return path
		}
	}
	for _, tool := range []string{"apt-get", "dpkg"} {
		if _, err := exec.LookPath(tool); err != nil {
			NotRun(t, "CPU instructions of "+arch, "no qemu-user on the machine and no "+tool+" to fetch it")
		}
	}
	dir := folder(t, "qemu", []byte("qemu-user-static"))
	once(t, "CPU instructions of "+arch, dir, func() error { return unpackDebian(dir, "qemu-user-static") })
	return filepath.Join(dir, "usr", "bin", "qemu-"+arch+"-static")
}

// unpackDebian downloads a package of this machine's release and unpacks it into dir. The
// package lists are read into dir too, since those of the machine belong to root.
func unpackDebian(dir, name string) error {
	lists := filepath.Join(dir, "lists")
	if err := os.MkdirAll(filepath.Join(lists, "partial"), 0o755); err != nil {
		return err
	}
	options := []string{"-q", "-o", "Dir::State::Lists=" + lists, "-o", "Dir::Cache=" + dir, "-o", "Debug::NoLocking=1", "-o", "APT::Sandbox::User="}
	if err := run(dir, "apt-get", append(options, "update")...); err != nil {
		return err
	}
	if err := run(dir, "apt-get", append(options, "download", name)...); err != nil {
		return err
	}
	files, err := filepath.Glob(filepath.Join(dir, name+"_*.deb"))
	if err != nil {
		return err
	}
	for _, file := range files {
		if err := run(dir, "dpkg", "-x", file, dir); err != nil {
			return err
		}
		if err := os.Remove(file); err != nil {
			return err
		}
	}
	return os.RemoveAll(lists)
}

// Emulated is a command that runs a program of another architecture.
func Emulated(t testing.TB, arch, program string, args ...string) *exec.Cmd {
	t.Helper()
	return exec.CommandContext(t.Context(), QEMU(t, arch), append([]string{program}, args...)...)
}
