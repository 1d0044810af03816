package exam

import (
	"google.golang.org/protobuf/encoding/protowire"
)

// Declaration is an input or output as a model's file declares it.
type Declaration struct {
	Name string
	Kind string // "tensor", or what else it is
}

// Declared lists the inputs and outputs of a model in the file's order, inputs that have a constant included.
func Declared(model []byte) (inputs, outputs []Declaration, err error) {
	err = walk(model, func(num protowire.Number, _ protowire.Type, _ uint64, graph []byte) error {
		if num != 7 {
			return nil
		}
		return walk(graph, func(num protowire.Number, _ protowire.Type, _ uint64, value []byte) error {
			if num != 11 && num != 12 {
				return nil
			}
			d, err := declaration(value)
			if num == 11 {
				inputs = append(inputs, d)
			} else {
				outputs = append(outputs, d)
			}
			return err
		})
	})
	return inputs, outputs, err
}

// kinds of a TypeProto by field.
var kinds = map[protowire.Number]string{1: "tensor", 4: "sequence", 5: "map", 7: "opaque value", 8: "sparse tensor", 9: "optional"}

func declaration(value []byte) (Declaration, error) {
	d := Declaration{Kind: "value of no type"}
	err := walk(value, func(num protowire.Number, _ protowire.Type, _ uint64, text []byte) error {
		switch num {
		case 1:
			d.Name = string(text)
		case 2:
			return walk(text, func(num protowire.Number, _ protowire.Type, _ uint64, kind []byte) error {
				if k, ok := kinds[num]; ok {
					d.Kind = k
				}
				if num != 1 {
					return nil
				}
				return walk(kind, func(num protowire.Number, _ protowire.Type, number uint64, _ []byte) error {
					if num == 1 && number == stringType {
						d.Kind = "tensor of strings"
					}
					return nil
				})
			})
		}
		return nil
	})
	return d, err
}
