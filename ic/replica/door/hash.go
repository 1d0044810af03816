package door

import (
	"bytes"
	"crypto/sha256"
	"fmt"
	"sort"

	"assay/ic/certificate"
)

// hashMap is the representation-independent hash of a map; of a request's content it
// is the request id.
func hashMap(m map[string]any) ([32]byte, error) {
	rows := make([][]byte, 0, len(m))
	for name, v := range m {
		value, err := hashValue(v)
		if err != nil {
			return [32]byte{}, fmt.Errorf("field %q: %w", name, err)
		}
		key := sha256.Sum256([]byte(name))
		rows = append(rows, append(key[:], value[:]...))
	}
	sort.Slice(rows, func(i, j int) bool { return bytes.Compare(rows[i], rows[j]) < 0 })
	return sha256.Sum256(bytes.Join(rows, nil)), nil
}

func hashValue(v any) ([32]byte, error) {
	switch v := v.(type) {
	case []byte:
		return sha256.Sum256(v), nil
	case string:
		return sha256.Sum256([]byte(v)), nil
	case uint64:
		return sha256.Sum256(certificate.AppendNat(nil, v)), nil
	case map[string]any:
		return hashMap(v)
	case []any:
		var all []byte
		for _, x := range v {
			h, err := hashValue(x)
			if err != nil {
				return h, err
			}
			all = append(all, h[:]...)
		}
		return sha256.Sum256(all), nil
	}
	return [32]byte{}, fmt.Errorf("value of type %T has no hash", v)
}
