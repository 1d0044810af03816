package httpcert

import "strings"

// The last labels of expression paths.
const (
	Exact    = "<$>"
	Wildcard = "<*>"
)

// MaxSegments is how many parts a request's path may have. The candidates of a path, and
// what they cost, grow with the square of it.
const MaxSegments = 60

// Path is an expression path: labels from [Root] to [Exact] or [Wildcard].
type Path []string

// ExactPath answers requests for this path alone. It ends with a slash or not: these are
// two paths.
func ExactPath(path string) Path { return join(segments(path), Exact) }

// WildcardPath answers requests for this path and all below it.
func WildcardPath(path string) Path { return join(segments(path), Wildcard) }

func join(segments []string, last string) Path {
	p := make(Path, 0, len(segments)+2)
	p = append(p, Root)
	p = append(p, segments...)
	return append(p, last)
}

// segments are the parts of a path between slashes, without empty ones; an empty one at
// the end stands for a slash there.
func segments(path string) []string {
	var out []string
	for _, s := range strings.Split(path, "/") {
		if s != "" {
			out = append(out, s)
		}
	}
	if strings.HasSuffix(path, "/") {
		out = append(out, "")
	}
	return out
}

// Candidates are the expression paths that may answer a request for a path, the most
// specific first. Only the first that is in the tree may.
func Candidates(path string) []Path {
	s := segments(path)
	out := []Path{join(s, Exact)}
	for {
		out = append(out, join(s, Wildcard))
		switch {
		case len(s) == 0:
			return out
		case s[len(s)-1] == "":
			s = s[:len(s)-1]
		default:
			s = append(s[:len(s)-1:len(s)-1], "")
		}
	}
}

// Labels is the path as labels of a tree, and then more.
func (p Path) Labels(more ...[]byte) [][]byte {
	out := make([][]byte, 0, len(p)+len(more))
	for _, label := range p {
		out = append(out, []byte(label))
	}
	return append(out, more...)
}

// Equal reports whether both have the same labels.
func (p Path) Equal(q Path) bool {
	if len(p) != len(q) {
		return false
	}
	for i := range p {
		if p[i] != q[i] {
			return false
		}
	}
	return true
}
