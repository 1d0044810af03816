package lower

// fuse replaces the written-out parts of transformers by single nodes.
func fuse(g *graph) {}
