package marketapi

import (
	"testing"

	"github.com/google/go-cmp/cmp"

	"assay/ic/candid"
	"assay/ic/principal"
)

func TestSubmitArgRoundTrip(t *testing.T) {
	t.Parallel()
	items := []Item{{Text: new("grüezi")}, {Tokens: &[]uint32{101, 7592, 102}}}
	want := SubmitArg{
		Key:        []byte{1, 2, 3},
		Model:      make([]byte, 32),
		Input:      Input{Inline: &items},
		Class:      Class{Exact: true},
		Redundancy: 2,
		MaxPrice:   candid.Nat{Hi: 7, Lo: 9},
		Currency:   Currency{Icrc2: &principal.Anonymous},
		Payment:    Payment{Balance: true},
		Callback:   &Callback{Method: "assay_result", At: CallbackAt{Final: true}},
	}
	msg, err := EncodeSubmitArgs(want)
	if err != nil {
		t.Fatal(err)
	}
	got, err := DecodeSubmitArgs(msg)
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(want, got, cmp.AllowUnexported(principal.Principal{})); diff != "" {
		t.Errorf("after a round trip (-want +got):\n%s", diff)
	}
}
