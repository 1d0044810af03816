package cli

import (
	"strconv"
	"strings"
	"unicode"
)

// printable spells out what a terminal would obey or hide in a line that others had a say in.
func printable(line string) string {
	var b strings.Builder
	for _, r := range line {
		if unicode.IsPrint(r) {
			b.WriteRune(r)
			continue
		}
		quoted := strconv.QuoteRune(r)
		b.WriteString(quoted[1 : len(quoted)-1])
	}
	return b.String()
}
