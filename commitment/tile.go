package commitment

import (
	"encoding/binary"
	"fmt"
)

// TilePath is what a dispute shows of one tile of a tensor: the hashes beside the way from the tile to the root, from
// the bottom up.
type TilePath []Hash

// Tile gives the bytes of a tensor's tile and its path. The tensor must be as [TensorRoot] wants it.
func Tile(dtype DType, shape []uint64, data []byte, index int) ([]byte, TilePath, error) {
	tiles, err := tilesOf(dtype, shape, data)
	if err != nil {
		return nil, nil, err
	}
	if index < 0 || index >= len(tiles) {
		return nil, nil, fmt.Errorf("tile %d of a tensor of %d", index, len(tiles))
	}
	return tiles[index], merklePath(tiles, index), nil
}

// RootOfTile is the root of the tensor of this type and shape that has the tile at the index, if the path is right: the
// caller compares it with the commitment. It fails when tile or path are not as long as they must be.
func RootOfTile(dtype DType, shape []uint64, index int, tile []byte, path TilePath) (Hash, error) {
	bytes, err := TensorBytes(dtype, shape)
	if err != nil {
		return Hash{}, err
	}
	size := uint64(TileElements * dtype.Size())
	count := (bytes + size - 1) / size
	if index < 0 || uint64(index) >= count {
		return Hash{}, fmt.Errorf("tile %d of a tensor of %d", index, count)
	}
	if want := min(size, bytes-uint64(index)*size); uint64(len(tile)) != want {
		return Hash{}, fmt.Errorf("tile %d has %d bytes, want %d", index, len(tile), want)
	}
	root, rest, err := foldPath(sum(append([]byte{0}, tile...)), uint64(index), count, path)
	if err != nil {
		return Hash{}, err
	}
	if len(rest) > 0 {
		return Hash{}, fmt.Errorf("path of %d hashes, %d too many", len(path), len(rest))
	}
	return tensorRoot(dtype, shape, count, root), nil
}

func tilesOf(dtype DType, shape []uint64, data []byte) (tiles [][]byte, err error) {
	want, err := TensorBytes(dtype, shape)
	if err != nil {
		return nil, err
	}
	if uint64(len(data)) != want {
		return nil, fmt.Errorf("tensor of shape %v has %d bytes, want %d", shape, len(data), want)
	}
	size := TileElements * dtype.Size()
	for at := 0; at < len(data); at += size {
		tiles = append(tiles, data[at:min(at+size, len(data))])
	}
	return tiles, nil
}

// tensorRoot puts type, shape and number of tiles over the root of the tiles.
func tensorRoot(dtype DType, shape []uint64, tiles uint64, root Hash) Hash {
	dims := make([]byte, 0, 8*len(shape))
	for _, d := range shape {
		dims = binary.BigEndian.AppendUint64(dims, d)
	}
	return NewPreimage("assay/tensor/1").Uint(uint64(dtype)).Bytes(dims).Uint(tiles).Bytes(root[:]).Sum()
}

// split is the largest power of two below n, at which a tree of n leaves divides.
func split(n uint64) uint64 {
	k := uint64(1)
	for k*2 < n {
		k *= 2
	}
	return k
}

func merklePath(leaves [][]byte, index int) TilePath {
	if len(leaves) == 1 {
		return nil
	}
	k := int(split(uint64(len(leaves))))
	if index < k {
		return append(merklePath(leaves[:k], index), MerkleRoot(leaves[k:]))
	}
	return append(merklePath(leaves[k:], index-k), MerkleRoot(leaves[:k]))
}

// foldPath climbs from a leaf's hash to the root of n leaves and gives what is left of the path.
func foldPath(leaf Hash, index, n uint64, path TilePath) (Hash, TilePath, error) {
	if n == 1 {
		return leaf, path, nil
	}
	k := split(n)
	var below Hash
	var err error
	if index < k {
		below, path, err = foldPath(leaf, index, k, path)
	} else {
		below, path, err = foldPath(leaf, index-k, n-k, path)
	}
	if err != nil {
		return below, path, err
	}
	if len(path) == 0 {
		return below, path, fmt.Errorf("the path to one of %d tiles ends before its time", n)
	}
	left, right := below, path[0]
	if index >= k {
		left, right = right, left
	}
	return sum(append(append([]byte{1}, left[:]...), right[:]...)), path[1:], nil
}
