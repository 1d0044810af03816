package host

import (
	"bytes"
	"crypto/sha256"
	"encoding/binary"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"sync"

	"github.com/fxamacker/cbor/v2"

	"assay/ic/wasm/meter"
	"assay/ic/wasm/module"
)

// blueprint is what the host makes of a module before native code: it takes parsing,
// checking and metering to make one, and a file to keep it.
type blueprint struct {
	Wasm         []byte // metered
	Instructions uint64 // in the module: the base of an install's cost
	Metadata     map[string]Metadata
	Methods      map[string]MethodKind
	Entries      map[string]bool // exported functions that are not methods
	Globals      []string        // exports of mutable globals
	State        []Global        // what a snapshot knows of globals
	CustomBytes  uint64          // of what is in Metadata, with the names

	Tables             uint64 // entries of all tables together
	Memory             bool
	MinPages, MaxPages uint32
	Datas              []initialData // what the memory begins with
	Drops              bool          // data segments, which instances of the Internet Computer have again in each message
}

// newBlueprint parses, checks and meters a module, raw or gzipped.
func newBlueprint(wasm []byte, metering meter.Config) (*blueprint, error) {
	raw, err := unpack(wasm)
	if err != nil {
		return nil, err
	}
	parsed, err := module.Parse(raw)
	if err != nil {
		return nil, moduleErrorf("%v", err)
	}
	b := &blueprint{Methods: map[string]MethodKind{}, Entries: map[string]bool{}}
	if err := b.check(parsed); err != nil {
		return nil, err
	}
	if err := b.takeTables(parsed); err != nil {
		return nil, err
	}
	own, err := b.takeMemory(parsed)
	if err != nil {
		return nil, err
	}
	metered, err := meter.Instrument(own, metering)
	if err != nil {
		return nil, moduleErrorf("%v", err)
	}
	b.Wasm, b.Instructions, b.Globals, b.Entries[meter.StartExport] = metered.Wasm, metered.Instructions, metered.Globals, metered.HasStart
	return b, nil
}

// Blueprints are kept in files of their own, named by the hash of the module and by a
// print of the code that made them:
//
//	"assay module\x00" · version, 1 byte · SHA-256 of the rest · blueprint as CBOR
//
// A file that is damaged, or of other code, is made again.
const (
	blueprintMagic   = "assay module\x00"
	blueprintVersion = 2 // counts changes of what is accepted; changes of metering count by themselves
	blueprintFolder  = "metered"
)

// blueprintPrint changes with the weights, with the code that metering writes and with
// the layout of a blueprint, so that no file of an earlier build is taken for one of this.
var blueprintPrint = sync.OnceValue(func() [8]byte {
	h := sha256.New()
	for _, ops := range []struct{ from, to module.Opcode }{{0, 0xff}, {0xfc00, 0xfc11}, {0xfd00, 0xfdff}} {
		for op := ops.from; op <= ops.to; op++ {
			h.Write(binary.BigEndian.AppendUint64(nil, meter.Weight(op)))
		}
	}
	for _, touched := range []bool{false, true} {
		b, err := newBlueprint(probe(), meter.Config{TouchedPages: touched})
		if err != nil {
			panic(fmt.Sprintf("meter the probe: %v", err)) // it is ours
		}
		h.Write(b.encode())
	}
	return [8]byte(h.Sum(nil))
})

// probe is a module with an example of whatever metering treats in its own way.
func probe() []byte {
	pair := module.FuncType{Params: []module.ValType{module.I32, module.I32}, Results: []module.ValType{module.I32}}
	m := &module.Module{
		Memories: []module.Limits{{Min: 1, Max: 2, HasMax: true}},
		Tables:   []module.Table{{Type: module.FuncRef, Limits: module.Limits{Min: 1}}},
		Globals:  []module.Global{{GlobalType: module.GlobalType{Type: module.I64, Mutable: true}, Init: module.I64Const(1)}},
		Datas:    []module.Data{{Offset: module.I32Const(8), Bytes: []byte("data")}, {Mode: module.Passive, Bytes: []byte("more")}},
		Customs:  []module.Custom{{Name: "icp:public probe", Bytes: []byte("x")}},
	}
	var c module.Code
	c.Block(module.OpBlock).Block(module.OpLoop).Get(0).Index(module.OpBrIf, 1).Index(module.OpBr, 0).Op(module.OpEnd, module.OpEnd)
	c.Get(0).Block(module.OpIf).I32(1).Op(module.OpDrop, module.OpElse).I32(2).Op(module.OpDrop, module.OpEnd)
	c.Get(0).Get(1).I32(4).Copy()
	c.B = append(c.B, byte(module.OpI32Const), 0, byte(module.OpI32Load), 2, 0, byte(module.OpDrop))
	c.B = append(c.B, byte(module.OpI32Const), 0, byte(module.OpI32Const), 1, byte(module.OpI32Store), 2, 0)
	c.B = append(c.B, byte(module.OpI32Const), 1, byte(module.OpMemoryGrow), 0, byte(module.OpDrop))
	f := m.AddFunc(pair, c.Get(0).Get(1).Call(0).Body())
	start := m.AddFunc(module.FuncType{}, new(module.Code).Body())
	m.Start = &start
	m.Elems = []module.Elem{{Offset: module.I32Const(0), Type: module.FuncRef, Funcs: []uint32{f}}}
	m.Exports = []module.Export{{Name: "canister_update probe", Kind: module.KindFunc, Index: start}}
	return m.Encode()
}

func blueprintPath(dir string, hash [32]byte) string {
	return filepath.Join(dir, blueprintFolder, fmt.Sprintf("%x-%x", hash, blueprintPrint()))
}

// loadBlueprint reads the blueprint of the module with that hash, nil where there is
// none that can be used.
func loadBlueprint(dir string, hash [32]byte) *blueprint {
	path := blueprintPath(dir, hash)
	file, err := os.ReadFile(path)
	if err != nil {
		return nil
	}
	b, err := decodeBlueprint(file)
	if err != nil {
		_ = os.Remove(path) // it is written again
		return nil
	}
	return b
}

// save keeps the blueprint in a file that is whole or is not there.
func (b *blueprint) save(dir string, hash [32]byte) error {
	path := blueprintPath(dir, hash)
	if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
		return fmt.Errorf("keep module %x: %w", hash, err)
	}
	f, err := os.CreateTemp(filepath.Dir(path), "new-*")
	if err != nil {
		return fmt.Errorf("keep module %x: %w", hash, err)
	}
	_, err = f.Write(b.encode())
	err = errors.Join(err, f.Close())
	if err == nil {
		err = os.Rename(f.Name(), path)
	}
	if err != nil {
		rm := os.Remove(f.Name())
		if errors.Is(rm, fs.ErrNotExist) {
			rm = nil
		}
		return fmt.Errorf("keep module %x: %w", hash, errors.Join(err, rm))
	}
	return nil
}

func (b *blueprint) encode() []byte {
	body, err := blueprintEncoding.Marshal(b)
	if err != nil {
		panic(fmt.Sprintf("encode a blueprint: %v", err)) // of a type that is ours
	}
	sum := sha256.Sum256(body)
	return append(append(append([]byte(blueprintMagic), blueprintVersion), sum[:]...), body...)
}

var errBlueprint = errors.New("not a blueprint of a module")

func decodeBlueprint(file []byte) (*blueprint, error) {
	rest, ok := bytes.CutPrefix(file, append([]byte(blueprintMagic), blueprintVersion))
	if !ok || len(rest) < sha256.Size {
		return nil, errBlueprint
	}
	body := rest[sha256.Size:]
	if sha256.Sum256(body) != [sha256.Size]byte(rest[:sha256.Size]) {
		return nil, fmt.Errorf("%w: wrong checksum", errBlueprint)
	}
	b := new(blueprint)
	if err := blueprintDecoding.Unmarshal(body, b); err != nil {
		return nil, fmt.Errorf("%w: %w", errBlueprint, err)
	}
	if b.Tables > maxTables || b.MaxPages > mostPages || b.MinPages > b.MaxPages || b.Methods == nil || b.Entries == nil {
		return nil, fmt.Errorf("%w: wrong contents", errBlueprint)
	}
	for _, d := range b.Datas {
		if size := uint64(b.MinPages) * WasmPage; d.At > size || uint64(len(d.Bytes)) > size-d.At {
			return nil, fmt.Errorf("%w: data outside the memory", errBlueprint)
		}
	}
	return b, nil
}

var (
	blueprintEncoding = mustMode(cbor.EncOptions{Sort: cbor.SortCoreDeterministic}.EncMode())
	blueprintDecoding = mustMode(cbor.DecOptions{MaxArrayElements: 1 << 20, MaxMapPairs: 1 << 16, ExtraReturnErrors: cbor.ExtraDecErrorUnknownField}.DecMode())
)

func mustMode[M any](m M, err error) M {
	if err != nil {
		panic(err)
	}
	return m
}
