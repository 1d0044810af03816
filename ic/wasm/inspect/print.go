package inspect

import (
	"fmt"
	"io"
	"strings"
)

// Size prints what the module is made of, and a line for each limit that is nearly used
// up. Errors of w are left to w.
func (r Report) Size(w io.Writer) {
	fmt.Fprintf(w, "size      %s bytes, %s compressed\n", digits(r.WasmBytes), digits(r.GzipBytes))
	fmt.Fprintf(w, "          code %s, data %s, the rest %s\n", digits(r.Part("code")), digits(r.Part("data")),
		digits(r.WasmBytes-r.Part("code")-r.Part("data")))
	fmt.Fprintf(w, "functions %s with %s instructions; installing costs %s instructions\n",
		digits(r.Counts.Functions), digits(r.Counts.Instructions), digits(int(r.Install)))
	r.doubts(w)
}

func (r Report) doubts(w io.Writer) {
	if r.Refused != "" {
		fmt.Fprintf(w, "REFUSED   %s\n", r.Refused)
	}
	if !r.Canister {
		fmt.Fprintln(w, "WARNING   no entry point and no method: this is no canister")
	}
	for _, u := range r.Warnings() {
		fmt.Fprintf(w, "WARNING   %s: %.1f %% of %s used\n", u.Limit, u.Percent, digits(int(u.Max)))
	}
}

// Print writes everything. Errors of w are left to w.
func (r Report) Print(w io.Writer) {
	fmt.Fprintf(w, "hash      %s\n", r.Hash)
	r.Size(w)
	fmt.Fprintf(w, "globals   %d\ndata      %s segments of %s bytes\n", r.Counts.Globals, digits(r.Counts.DataSegments), digits(r.Counts.DataBytes))
	printSpace(w, "memory    %s to %s pages of 64 KiB\n", r.Memory)
	printSpace(w, "table     %s to %s entries\n", r.Table)
	fmt.Fprintln(w, "\nlimits")
	for _, u := range r.Limits {
		mark := ""
		if u.Warning {
			mark = "  WARNING"
		}
		fmt.Fprintf(w, "  %6.2f %%  %-38s %15s of %15s%s\n", u.Percent, u.Limit, digits(int(u.Used)), digits(int(u.Max)), mark)
	}
	fmt.Fprintln(w, "\nlargest functions")
	for _, f := range r.Largest {
		fmt.Fprintf(w, "  %6d  %s instructions, complexity %s, %s bytes\n", f.Index, digits(f.Instructions), digits(f.Complexity), digits(f.Bytes))
	}
	printItems(w, "sections of the module", partItems(r.Parts))
	printItems(w, "methods", r.Methods)
	printItems(w, "exports", r.Exports)
	printItems(w, "imports", r.Imports)
	printItems(w, "custom sections", r.Custom)
}

func printSpace(w io.Writer, format string, s *Space) {
	if s == nil {
		return
	}
	most := "any number of"
	if s.Max != nil {
		most = digits(int(*s.Max))
	}
	fmt.Fprintf(w, format, digits(int(s.Min)), most)
}

func partItems(parts []Part) []Item {
	var out []Item
	for _, p := range parts {
		out = append(out, Item{Name: p.Name, Bytes: p.Bytes})
	}
	return out
}

func printItems(w io.Writer, title string, items []Item) {
	fmt.Fprintf(w, "\n%s (%d)\n", title, len(items))
	for _, i := range items {
		var words []string
		if i.Kind != "" {
			words = append(words, i.Kind)
		}
		if i.Bytes > 0 {
			words = append(words, digits(i.Bytes)+" bytes")
		}
		if i.Text != "" && !strings.Contains(strings.TrimSpace(i.Text), "\n") {
			words = append(words, strings.TrimSpace(i.Text))
		}
		fmt.Fprintf(w, "  %-34s %s\n", i.Name, strings.Join(words, "  "))
	}
}

// digits is a number in groups of three.
func digits(n int) string {
	s := fmt.Sprint(n)
	for i := len(s) - 3; i > 0; i -= 3 {
		s = s[:i] + "," + s[i:]
	}
	return s
}
