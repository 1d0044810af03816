package exact

// operators is all that Assay-IR 1 knows, by name; docs/ir-v1.md defines each.
var operators map[string]*operator

func init() {
	operators = map[string]*operator{}
	for _, group := range []map[string]*operator{
		arithmeticOperators(), unaryOperators(), shapedOperators(), compareOperators(), castOperators(),
		selectOperators(), reduceOperators(), rowOperators(), normOperators(), quantizeOperators(),
		productOperators(), integerProductOperators(), blockProductOperators(), attentionOperators(), linearAttentionOperators(), rotaryOperators(), controlOperators(),
		moveOperators(), shapeOperators(), indexOperators(),
		convOperators(), poolOperators(), resizeOperators(), recurrentOperators(), mlOperators(), signalOperators(),
	} {
		for name, op := range group {
			operators[name] = op
		}
	}
}

const many = 1024 // inputs of an operator that takes any number

// plain is for operators without attributes.
func plain(e eval) func(*binder) (eval, error) {
	return func(*binder) (eval, error) { return e, nil }
}
