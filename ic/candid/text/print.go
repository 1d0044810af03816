package text

import (
	"fmt"
	"math"
	"strconv"
	"strings"

	"assay/ic/candid"
	"assay/ic/candid/did"
	"assay/ic/principal"
)

// lineLength is where a value is broken into lines.
const lineLength = 100

// Print is values as Candid text, on one line if that is short.
func Print(values []Value) string {
	return list("(", values, ")", ",", 0)
}

// PrintValue is one value as Candid text.
func PrintValue(v Value) string { return indented(v, 0) }

// list prints values between brackets; indent is the depth of the line it starts on.
func list(open string, values []Value, end, separator string, indent int) string {
	parts := make([]string, len(values))
	for i, v := range values {
		parts[i] = indented(v, indent+1)
	}
	return join(open, parts, end, separator, indent)
}

func join(open string, parts []string, end, separator string, indent int) string {
	space := " "
	if open == "(" {
		space = ""
	}
	length := 2 * indent
	broken := false
	for _, p := range parts {
		length += len(p) + 2
		broken = broken || strings.Contains(p, "\n")
	}
	switch {
	case len(parts) == 0:
		return open + end
	case length <= lineLength && !broken, len(parts) == 1 && open == "(":
		return open + space + strings.Join(parts, separator+" ") + space + end
	}
	margin := "\n" + strings.Repeat("  ", indent)
	return open + margin + "  " + strings.Join(parts, separator+margin+"  ") + separator + margin + end
}

func indented(v Value, indent int) string {
	switch v := v.(type) {
	case nil, Null:
		return "null"
	case Bool:
		return strconv.FormatBool(bool(v))
	case Number:
		return group(v.N.String())
	case Float:
		return floatText(v)
	case Text:
		return did.Quote(string(v))
	case Blob:
		return "blob " + blobText(v)
	case Opt:
		return "opt " + indented(v.V, indent)
	case Vec:
		return list("vec {", v, "}", ";", indent)
	case Record:
		return recordText(v, indent)
	case Variant:
		if _, null := v.V.(Null); null {
			return "variant { " + label(Field(v)) + " }"
		}
		return join("variant {", []string{label(Field(v)) + " = " + indented(v.V, indent+1)}, "}", ";", indent)
	case Principal:
		return "principal " + did.Quote(principal.Principal(v).String())
	case Service:
		return "service " + did.Quote(principal.Principal(v).String())
	case Func:
		return "func " + did.Quote(v.Service.String()) + "." + did.NameText(v.Method)
	}
	return "null"
}

func recordText(r Record, indent int) string {
	tuple := true
	for i, f := range r {
		tuple = tuple && f.Name == "" && f.ID == uint32(i)
	}
	parts := make([]string, len(r))
	for i, f := range r {
		parts[i] = indented(f.V, indent+1)
		if !tuple {
			parts[i] = label(f) + " = " + parts[i]
		}
	}
	return join("record {", parts, "}", ";", indent)
}

func label(f Field) string { return did.FieldName(did.Field{ID: f.ID, Name: f.Name}) }

// group puts `_` between groups of three digits.
func group(digits string) string {
	sign := ""
	if strings.HasPrefix(digits, "-") {
		sign, digits = "-", digits[1:]
	}
	var out strings.Builder
	for i := range len(digits) {
		if i > 0 && (len(digits)-i)%3 == 0 {
			out.WriteByte('_')
		}
		out.WriteByte(digits[i])
	}
	return sign + out.String()
}

func floatText(v Float) string {
	bits := 64
	if v.Type == candid.TypeFloat32 {
		bits = 32
	}
	switch {
	case math.IsNaN(v.V):
		return "nan"
	case math.IsInf(v.V, 0):
		return strings.TrimPrefix(strings.ToLower(strconv.FormatFloat(v.V, 'g', -1, bits)), "+")
	}
	s := strconv.FormatFloat(v.V, 'g', -1, bits)
	if !strings.ContainsAny(s, ".e") {
		s += ".0"
	}
	return s
}

// blobText is printable bytes as they are if all are printable, else all in hexadecimal.
func blobText(b []byte) string {
	var out strings.Builder
	for _, c := range b {
		if c < ' ' || c > '~' {
			out.Reset()
			for _, c := range b {
				fmt.Fprintf(&out, `\%02x`, c)
			}
			return `"` + out.String() + `"`
		}
		out.WriteByte(c)
	}
	return did.Quote(out.String())
}

// short is a value for an error message.
func short(v Value) string {
	s := PrintValue(v)
	if len(s) > 60 {
		return s[:57] + "..."
	}
	return s
}

func shortType(t *did.Type) string {
	s := did.TypeText(t)
	if len(s) > 60 {
		return s[:57] + "..."
	}
	return s
}
