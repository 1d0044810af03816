package module

import (
	"testing"

	"github.com/tetratelabs/wazero"
	"github.com/tetratelabs/wazero/api"
	"github.com/tetratelabs/wazero/experimental"
)

// TestOpcodesAgreeWithEngine compiles every opcode once. After unreachable the stack
// holds whatever an instruction wants, so an instruction compiles exactly if the
// engine knows it and reads the same immediates as Iter.
func TestOpcodesAgreeWithEngine(t *testing.T) {
	t.Parallel()
	config := wazero.NewRuntimeConfigInterpreter().WithCoreFeatures(api.CoreFeaturesV2 | experimental.CoreFeaturesTailCall)
	r := wazero.NewRuntimeWithConfig(t.Context(), config)
	defer r.Close(t.Context())
	check := func(op []byte, f form) {
		t.Helper()
		code := append([]byte{byte(OpUnreachable)}, op...)
		code = append(append(code, immediates(f)...), byte(OpUnreachable))
		if opens := op[0] == byte(OpBlock) || op[0] == byte(OpLoop) || op[0] == byte(OpIf); opens {
			code = append(code, byte(OpEnd))
		}
		if op[0] == byte(OpElse) || op[0] == byte(OpEnd) {
			code = append(append([]byte{}, byte(OpI32Const), 0, byte(OpIf), 0x40), append(op, byte(OpEnd))...)
		}
		code = append(code, byte(OpEnd))
		if op[0] == byte(OpEnd) {
			code = code[:len(code)-1]
		}
		it := NewIter(code)
		for it.Next() {
		}
		_, err := r.CompileModule(t.Context(), opcodeModule(code).Encode())
		if (it.Err() == nil) != (err == nil) {
			t.Errorf("opcode %x: Iter says %v, the engine %v", op, it.Err(), err)
		}
	}
	for op, f := range forms {
		if f != formPrefix {
			check([]byte{byte(op)}, f)
		}
	}
	for sub, f := range formsBulk {
		check([]byte{0xfc, byte(sub)}, f)
	}
	for sub, f := range formsVector {
		check(AppendUint([]byte{0xfd}, uint64(sub)), f)
	}
}

// immediates are valid ones of a form in opcodeModule.
func immediates(f form) []byte {
	switch f {
	case formBlock:
		return []byte{0x40}
	case formIndex, formI32, formI64, formLane, formMemIndex:
		return []byte{0}
	case formTwo, formMemory, formTargets, formDataMem, formTwoMemory:
		return []byte{0, 0}
	case formMemLane:
		return []byte{0, 0, 0}
	case formTypes:
		return []byte{1, byte(I32)}
	case formBytes4:
		return make([]byte, 4)
	case formBytes8:
		return make([]byte, 8)
	case formBytes16:
		return make([]byte, 16)
	case formHeapType:
		return []byte{byte(FuncRef)}
	}
	return nil
}

func opcodeModule(code []byte) *Module {
	one := uint32(1)
	return &Module{
		Types: []FuncType{{}}, Funcs: []uint32{0},
		Tables:    []Table{{FuncRef, Limits{Min: 1}}},
		Memories:  []Limits{{Min: 1}},
		Globals:   []Global{{GlobalType{I32, true}, I32Const(0)}},
		Elems:     []Elem{{Type: FuncRef, Mode: Passive, Funcs: []uint32{0}}},
		DataCount: &one, Datas: []Data{{Mode: Passive}},
		Code: []Body{{Locals: []Locals{{1, I32}}, Code: code}},
	}
}
