package httpcert

import (
	"encoding/base64"
	"encoding/binary"
	"strings"
	"unicode/utf8"
)

// Limits of the certificate's header.
const (
	maxHeader = 6 << 20 // bytes
	maxPath   = 64      // labels of an expression path
	maxLabel  = 1 << 10 // bytes of one
)

const selfDescribe = "\xd9\xd9\xf7"

// Proof is what the certificate's header holds.
type Proof struct {
	Certificate []byte // CBOR
	Tree        []byte // CBOR, the witness
	Path        Path
}

// Header is the value of the certificate's header.
func (p Proof) Header() string {
	tree := p.Tree
	if !strings.HasPrefix(string(tree[:min(3, len(tree))]), selfDescribe) {
		tree = append([]byte(selfDescribe), tree...)
	}
	return member("certificate", p.Certificate) + member("tree", tree) + member("expr_path", p.Path.cbor()) + "version=2"
}

func member(name string, value []byte) string {
	return name + "=:" + base64.StdEncoding.EncodeToString(value) + ":, "
}

// ParseProof reads the value of a certificate's header of version 2. Members that it does
// not know are passed over, none may come twice.
func ParseProof(value string) (Proof, error) {
	members, err := parseMembers(value)
	if err != nil {
		return Proof{}, err
	}
	if members["version"] != "2" {
		return Proof{}, malformed("certificate header of version %.10q, want 2", members["version"])
	}
	p, err := proofOf(members)
	if err != nil {
		return Proof{}, err
	}
	path, err := blob(members, "expr_path")
	if err != nil {
		return Proof{}, err
	}
	p.Path, err = parsePath(path)
	return p, err
}

// ParseLegacyProof reads the value of a certificate's header of version 1, which may say
// so or not. It has no path.
func ParseLegacyProof(value string) (Proof, error) {
	members, err := parseMembers(value)
	if err != nil {
		return Proof{}, err
	}
	if v, ok := members["version"]; ok && v != "1" {
		return Proof{}, malformed("certificate header of version %.10q, want 1", v)
	}
	return proofOf(members)
}

// Version is the version of response verification that a certificate's header is of.
func Version(value string) (int, error) {
	members, err := parseMembers(value)
	if err != nil {
		return 0, err
	}
	switch v, ok := members["version"]; {
	case !ok || v == "1":
		return 1, nil
	case v == "2":
		return 2, nil
	default:
		return 0, malformed("certificate header of version %.10q", v)
	}
}

func parseMembers(value string) (map[string]string, error) {
	if len(value) > maxHeader {
		return nil, malformed("certificate header of %d bytes, at most %d are read", len(value), maxHeader)
	}
	members := map[string]string{}
	for _, m := range strings.Split(value, ",") {
		name, v, ok := strings.Cut(strings.Trim(m, " \t"), "=")
		if _, twice := members[name]; !ok || twice || len(members) == 16 {
			return nil, malformed("certificate header: member %.40q", m)
		}
		members[name] = v
	}
	return members, nil
}

func proofOf(members map[string]string) (p Proof, err error) {
	if p.Certificate, err = blob(members, "certificate"); err != nil {
		return Proof{}, err
	}
	if p.Tree, err = blob(members, "tree"); err != nil {
		return Proof{}, err
	}
	return p, nil
}

func blob(members map[string]string, name string) ([]byte, error) {
	v := members[name]
	if len(v) < 2 || v[0] != ':' || v[len(v)-1] != ':' {
		return nil, malformed("certificate header: %s is no byte sequence", name)
	}
	b, err := base64.StdEncoding.Strict().DecodeString(v[1 : len(v)-1])
	if err != nil {
		return nil, malformed("certificate header: %s: %v", name, err)
	}
	return b, nil
}

const (
	majorText  = 0x60
	majorArray = 0x80
)

func appendHead(b []byte, major byte, n int) []byte {
	switch {
	case n < 24:
		return append(b, major|byte(n))
	case n < 256:
		return append(b, major|24, byte(n))
	}
	return binary.BigEndian.AppendUint16(append(b, major|25), uint16(n))
}

// cbor is the path as an array of texts.
func (p Path) cbor() []byte {
	b := appendHead([]byte(selfDescribe), majorArray, len(p))
	for _, label := range p {
		b = append(appendHead(b, majorText, len(label)), label...)
	}
	return b
}

// parsePath reads an array of texts, each length in its shortest form.
func parsePath(b []byte) (Path, error) {
	rest := []byte(strings.TrimPrefix(string(b), selfDescribe))
	n, rest, ok := head(rest, majorArray)
	if !ok || n < 2 || n > maxPath {
		return nil, malformed("expression path: want an array of 2 to %d texts", maxPath)
	}
	p := make(Path, 0, n)
	for range n {
		length, after, ok := head(rest, majorText)
		if !ok || length > maxLabel || length > len(after) || !utf8.Valid(after[:length]) {
			return nil, malformed("expression path: want a text of at most %d bytes at offset %d", maxLabel, len(b)-len(rest))
		}
		p = append(p, string(after[:length]))
		rest = after[length:]
	}
	if len(rest) > 0 {
		return nil, malformed("expression path: %d more bytes", len(rest))
	}
	return p, nil
}

// head reads a major type with its length.
func head(b []byte, major byte) (n int, rest []byte, ok bool) {
	if len(b) == 0 || b[0]&0xe0 != major {
		return 0, nil, false
	}
	switch info := b[0] & 0x1f; {
	case info < 24:
		return int(info), b[1:], true
	case info == 24 && len(b) >= 2 && b[1] >= 24:
		return int(b[1]), b[2:], true
	case info == 25 && len(b) >= 3 && b[1] > 0:
		return int(binary.BigEndian.Uint16(b[1:])), b[3:], true
	}
	return 0, nil, false
}
