package agent

import (
	"encoding/hex"
	"testing"

	"assay/ic/principal"
)

// TestRequestID holds the interface specification's example.
func TestRequestID(t *testing.T) {
	t.Parallel()
	id := content{
		{"request_type", "call"},
		{"sender", principal.Anonymous.Bytes()},
		{"ingress_expiry", uint64(1685570400000000000)},
		{"canister_id", []byte{0, 0, 0, 0, 0, 0, 0x04, 0xD2}},
		{"method_name", "hello"},
		{"arg", []byte("DIDL\x00\xFD*")},
	}.hash()
	const want = "1d1091364d6bb8a6c16b203ee75467d59ead468f523eb058880ae8ec80e2b101"
	if got := hex.EncodeToString(id[:]); got != want {
		t.Errorf("request id %s, want %s", got, want)
	}
}
