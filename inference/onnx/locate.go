package onnx

import (
	"strings"

	"google.golang.org/protobuf/encoding/protowire"
)

// locate gives the byte at which the message of a node or function begins that an error names, as the file is laid
// out; -1 when there is none. Faults of the graph as a whole are found after the file has been read, so it is gone
// through once more, for the names alone.
func locate(data []byte, path string) int {
	found := -1
	each(data, 0, func(num protowire.Number, message []byte, at int) {
		switch num {
		case 7:
			found = max(found, locateIn(message, at, 1, path))
		case 25:
			fn := functionLabel(message)
			if fn == path {
				found = at
			} else if rest, ok := strings.CutPrefix(path, fn+"/"); ok {
				found = max(found, locateIn(message, at, 7, rest))
			}
		}
	})
	return found
}

// each calls visit with the length-delimited fields of a message that has been read without fault before.
func each(data []byte, base int, visit func(num protowire.Number, message []byte, at int)) {
	_ = walk(data, base, "", nil, func(f field) error {
		if f.typ == bytesType {
			visit(f.num, f.bytes, f.offset)
		}
		return nil
	})
}

// locateIn looks among the nodes of a graph or function, which stand in field num.
func locateIn(graph []byte, base int, num protowire.Number, path string) int {
	found, index := -1, 0
	each(graph, base, func(n protowire.Number, message []byte, at int) {
		if n != num || found >= 0 {
			return
		}
		name := nodeName(message, index)
		index++
		if name == path {
			found = at
		} else if rest, ok := strings.CutPrefix(path, name+"/"); ok {
			found = locateInBodies(message, at, rest)
		}
	})
	return found
}

func locateInBodies(node []byte, base int, path string) int {
	found := -1
	each(node, base, func(num protowire.Number, attribute []byte, at int) {
		if num != 5 {
			return
		}
		each(attribute, at, func(num protowire.Number, body []byte, at int) {
			if num == 6 || num == 11 {
				found = max(found, locateIn(body, at, 1, path))
			}
		})
	})
	return found
}

// nodeName is the name that reading gave the node.
func nodeName(node []byte, index int) string {
	var name, op string
	each(node, 0, func(num protowire.Number, text []byte, _ int) {
		switch num {
		case 3:
			name = string(text)
		case 4:
			op = string(text)
		}
	})
	if name == "" {
		name = unnamed(op, index)
	}
	return name
}

func functionLabel(message []byte) string {
	var fn Function
	each(message, 0, func(num protowire.Number, text []byte, _ int) {
		switch num {
		case 1:
			fn.Name = string(text)
		case 10:
			fn.Domain = defaultDomain(string(text))
		case 13:
			fn.Overload = string(text)
		}
	})
	return fn.label()
}
