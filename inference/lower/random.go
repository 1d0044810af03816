package lower

import "assay/inference/onnx"

// randomRules refuse operators that draw random numbers.
func randomRules() map[string]rule {
	out := map[string]rule{}
	for _, op := range []string{"Bernoulli", "Multinomial", "RandomNormal", "RandomNormalLike", "RandomUniform", "RandomUniformLike"} {
		out[op] = func(*lowerer, *onnx.Node) error {
			return unsupported("it draws random numbers, so nobody could check the result")
		}
	}
	return out
}
