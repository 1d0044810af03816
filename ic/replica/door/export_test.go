package door

// HashMap is the representation-independent hash of a map, for clients in tests.
func HashMap(m map[string]any) [32]byte {
	h, err := hashMap(m)
	if err != nil {
		panic(err)
	}
	return h
}
