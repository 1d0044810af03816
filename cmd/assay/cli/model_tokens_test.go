package cli

import (
	"bytes"
	"context"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

func TestModelTokens(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	file := filepath.Join(dir, "tokenizer.json")
	const text = `{"model":{"type":"BPE","vocab":{"a":0,"b":1,"ab":2},"merges":["a b"]}}`
	if err := os.WriteFile(file, []byte(text), 0o644); err != nil {
		t.Fatal(err)
	}
	for name, row := range map[string]struct {
		args []string
		code int
		want string
	}{
		"tokens":        {[]string{file, "abba"}, exitOK, `"ab"`},
		"ids to text":   {[]string{file, "--decode", "2", "1"}, exitOK, "ab b\n"},
		"as JSON":       {[]string{file, "--json", "ab"}, exitOK, `"id": 2`},
		"an unknown id": {[]string{file, "--decode", "3"}, exitUsage, ""},
		"no text":       {[]string{file}, exitUsage, ""},
		"no file":       {[]string{filepath.Join(dir, "none.json"), "a"}, exitFailed, ""},
	} {
		var out, errs bytes.Buffer
		code := Main(context.Background(), append([]string{"model", "tokens"}, row.args...), strings.NewReader(""), &out, &errs)
		if code != row.code || !strings.Contains(out.String(), row.want) {
			t.Errorf("%s: code %d, want %d\n%s%s", name, code, row.code, out.String(), errs.String())
		}
	}
}
