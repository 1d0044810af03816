package commitment

import (
	"bytes"
	"testing"
)

// Every tile of tensors of one to nine tiles leads to the tensor's root, and no other tile, place or path does.
func TestTilesLeadToTheRoot(t *testing.T) {
	for _, elements := range []uint64{1, TileElements, TileElements + 1, 2*TileElements + 7, 5 * TileElements, 9*TileElements - 1} {
		shape := []uint64{elements}
		data := make([]byte, 4*elements)
		for i := range data {
			data[i] = byte(i*7 + i>>9)
		}
		want := must(TensorRoot(Float32, shape, data))
		count := int((elements + TileElements - 1) / TileElements)
		for i := range count {
			tile, path, err := Tile(Float32, shape, data, i)
			if err != nil {
				t.Fatal(err)
			}
			if got, err := RootOfTile(Float32, shape, i, tile, path); err != nil || got != want {
				t.Fatalf("%d elements, tile %d: root %v (%v), want %v", elements, i, got, err, want)
			}
			wrong := bytes.Clone(tile)
			wrong[0] ^= 1
			if got, _ := RootOfTile(Float32, shape, i, wrong, path); got == want {
				t.Errorf("%d elements: a changed tile %d leads to the root", elements, i)
			}
			if len(path) > 0 {
				if _, err := RootOfTile(Float32, shape, i, tile, path[1:]); err == nil {
					t.Errorf("%d elements, tile %d: a short path is taken", elements, i)
				}
			}
			if _, err := RootOfTile(Float32, shape, i, tile, append(path, Hash{})); err == nil {
				t.Errorf("%d elements, tile %d: a long path is taken", elements, i)
			}
			if other := (i + 1) % count; other != i {
				if got, err := RootOfTile(Float32, shape, other, tile, path); err == nil && got == want {
					t.Errorf("%d elements: tile %d passes for tile %d", elements, i, other)
				}
			}
		}
	}
	if _, _, err := Tile(Float32, []uint64{4}, make([]byte, 16), 1); err == nil {
		t.Error("a tile that is not there")
	}
	if _, err := RootOfTile(Float32, []uint64{4}, 0, make([]byte, 12), nil); err == nil {
		t.Error("a tile of another length")
	}
}
