package door

import (
	"fmt"
	"sort"

	"assay/ic/principal"
)

// fields takes typed values out of a decoded map. The first wrong one is kept as err.
type fields struct {
	values map[string]any
	used   map[string]bool
	err    error
}

// newFields forgets fields that are null, which some encoders write for absent ones.
func newFields(m map[string]any) *fields {
	for name, v := range m {
		if v == nil {
			delete(m, name)
		}
	}
	return &fields{values: m, used: map[string]bool{}}
}

func (f *fields) fail(format string, args ...any) {
	if f.err == nil {
		f.err = fmt.Errorf(format, args...)
	}
}

func (f *fields) has(name string) bool { _, ok := f.values[name]; return ok }

// take returns a field's value, an error where it is missing or of another type.
func take[T any](f *fields, name string) T {
	f.used[name] = true
	v, ok := f.values[name].(T)
	if !ok {
		f.fail("field %s is missing or of a wrong type", name)
	}
	return v
}

func (f *fields) text(name string) string {
	s := take[string](f, name)
	if len(s) > maxMethod {
		f.fail("field %s has %d bytes, more than %d", name, len(s), maxMethod)
	}
	return s
}

func (f *fields) blob(name string) []byte { return take[[]byte](f, name) }

func (f *fields) nat(name string) uint64 { return take[uint64](f, name) }

func (f *fields) principal(name string) principal.Principal {
	return f.toPrincipal(name, f.blob(name))
}

func (f *fields) toPrincipal(name string, v any) principal.Principal {
	b, ok := v.([]byte)
	p, err := principal.FromBytes(b)
	if !ok || err != nil {
		f.fail("field %s is not a principal", name)
	}
	return p
}

func (f *fields) principals(name string) []principal.Principal {
	list := take[[]any](f, name)
	out := make([]principal.Principal, len(list))
	for i, v := range list {
		out[i] = f.toPrincipal(name, v)
	}
	if len(list) > maxTargets {
		f.fail("field %s has %d entries, more than %d", name, len(list), maxTargets)
	}
	return out
}

func (f *fields) paths(name string) [][][]byte {
	list := take[[]any](f, name)
	if len(list) > maxPaths {
		f.fail("field %s has %d paths, more than %d", name, len(list), maxPaths)
		return nil
	}
	out := make([][][]byte, len(list))
	for i, v := range list {
		labels, ok := v.([]any)
		if !ok || len(labels) > maxLabels {
			f.fail("path %d is not a list of at most %d labels", i, maxLabels)
			return nil
		}
		for _, l := range labels {
			label, ok := l.([]byte)
			if !ok {
				f.fail("path %d has a label that is not a blob", i)
				return nil
			}
			out[i] = append(out[i], label)
		}
	}
	return out
}

func (f *fields) senderInfo(name string) *senderInfo {
	inner := newFields(take[map[string]any](f, name))
	s := &senderInfo{info: inner.blob("info"), signer: inner.principal("signer"), signature: inner.blob("sig")}
	if err := inner.done(); err != nil {
		f.fail("field %s: %w", name, err)
	}
	return s
}

// done is the first error; a field that nobody asked for is one.
func (f *fields) done() error {
	if f.err != nil {
		return f.err
	}
	names := make([]string, 0, len(f.values))
	for name := range f.values {
		if !f.used[name] {
			names = append(names, name)
		}
	}
	if len(names) > 0 {
		sort.Strings(names)
		return fmt.Errorf("field %q is not known", names[0])
	}
	return nil
}
