package onnx

// Limits bounds what [Parse] accepts. A zero field means the default in its comment.
type Limits struct {
	Bytes        int // whole file; 2 GiB less one
	Nodes        int // in bodies and functions too; 65,536
	Initializers int // 65,536
	Functions    int // 4,096
	Depth        int // of bodies in bodies, and of types in types; 8
	Attributes   int // per node; 64
	Names        int // inputs and outputs of one node, declared inputs or outputs; 4,096
	NameBytes    int // one name; 1,024
	StringBytes  int // one string of an attribute or tensor; 1 MiB
	Rank         int // dimensions of one tensor; 8
	Elements     int // elements of one tensor or one attribute list; 2^29
}

func (l Limits) withDefaults() Limits {
	set := func(field *int, value int) {
		if *field <= 0 {
			*field = value
		}
	}
	set(&l.Bytes, 1<<31-1)
	set(&l.Nodes, 1<<16)
	set(&l.Initializers, 1<<16)
	set(&l.Functions, 1<<12)
	set(&l.Depth, 8)
	set(&l.Attributes, 64)
	set(&l.Names, 4096)
	set(&l.NameBytes, 1024)
	set(&l.StringBytes, 1<<20)
	set(&l.Rank, 8)
	set(&l.Elements, 1<<29)
	return l
}
