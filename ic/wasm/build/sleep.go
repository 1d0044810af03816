package build

import (
	"bytes"
	"cmp"
	"context"
	"fmt"
	"go/ast"
	"go/parser"
	"go/token"
	"os"
	"os/exec"
	"strconv"
	"strings"
)

// A SleepError is a use of what cannot work in a canister: time stands still inside a
// message, so whoever waits for it traps.
type SleepError struct {
	Where string // file:line
	Call  string // such as time.Sleep
}

// Error names the place and what to do instead.
func (e *SleepError) Error() string {
	return fmt.Sprintf("%s: %s never ends in a canister, where time stands still: plan a task with After, Every or Calendar; or say on that line why it may stay: //cdk:sleeps reason", e.Where, e.Call)
}

// waits are the functions of package time that wait.
var waits = map[string]bool{"Sleep": true, "After": true, "AfterFunc": true, "Tick": true, "NewTimer": true, "NewTicker": true}

// allowed is a comment that lets a use stay; a reason follows it.
const allowed = "//cdk:sleeps "

// awake looks for waiting in the packages of the canister's own Go module, as they are
// compiled for a canister.
func (c Config) awake(ctx context.Context) error {
	const files = `{{if not .Standard}}{{if .Module}}{{if .Module.Main}}{{range .GoFiles}}{{$.Dir}}/{{.}}{{"\n"}}{{end}}{{end}}{{end}}{{end}}`
	cmd := exec.CommandContext(ctx, cmp.Or(c.Go, "go"), "list", "-deps", "-f", files, c.Package)
	cmd.Dir, cmd.Env = c.Dir, environment(os.Environ())
	listed, err := cmd.Output()
	if err != nil {
		return fmt.Errorf("list files: %w", cmp.Or(ctx.Err(), err))
	}
	for file := range strings.Lines(string(listed)) {
		if file = strings.TrimSpace(file); file == "" {
			continue
		}
		source, err := os.ReadFile(file)
		if err != nil {
			return err
		}
		if err := awakeFile(file, source); err != nil {
			return err
		}
	}
	return nil
}

// awakeFile finds the first use of [waits] in a file that no comment allows.
func awakeFile(file string, source []byte) error {
	if !bytes.Contains(source, []byte(`"time"`)) {
		return nil
	}
	set := token.NewFileSet()
	f, err := parser.ParseFile(set, file, source, parser.ParseComments|parser.SkipObjectResolution)
	if err != nil {
		return err
	}
	name := timeName(f)
	reasons := map[int]bool{}
	for _, group := range f.Comments {
		for _, comment := range group.List {
			if reason, ok := strings.CutPrefix(comment.Text, allowed); ok && strings.TrimSpace(reason) != "" {
				reasons[set.Position(comment.Pos()).Line] = true
			}
		}
	}
	var found error
	ast.Inspect(f, func(n ast.Node) bool {
		s, ok := n.(*ast.SelectorExpr)
		if !ok || found != nil || !waits[s.Sel.Name] {
			return found == nil
		}
		at := set.Position(s.Pos())
		if x, ok := s.X.(*ast.Ident); ok && x.Name == name && !reasons[at.Line] {
			found = &SleepError{Where: fmt.Sprintf("%s:%d", at.Filename, at.Line), Call: "time." + s.Sel.Name}
		}
		return true
	})
	return found
}

// timeName is how a file calls package time, "" if it does not import it.
func timeName(f *ast.File) string {
	for _, im := range f.Imports {
		if path, _ := strconv.Unquote(im.Path.Value); path != "time" {
			continue
		}
		if im.Name != nil {
			return im.Name.Name
		}
		return "time"
	}
	return ""
}
