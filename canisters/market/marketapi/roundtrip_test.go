package marketapi

import (
	"encoding/hex"
	"testing"

	"assay/ic/candid"
	"assay/ic/candid/candidtest"
	"assay/ic/principal"
)

func sampleSubmit() SubmitArg {
	return SubmitArg{
		Key:        []byte{1, 2, 3},
		Model:      make([]byte, 32),
		Input:      Input{Inline: &[]Item{{Text: new("grüezi")}, {Tokens: &[]uint32{101, 7592, 102}}}},
		Class:      Class{Exact: true},
		Redundancy: 2,
		MaxPrice:   candid.Nat{Hi: 7, Lo: 9},
		Currency:   Currency{Icrc2: &principal.Anonymous},
		Payment:    Payment{Balance: true},
		Callback:   &Callback{Method: "assay_result", At: CallbackAt{Final: true}},
	}
}

// TestSubmitGolden pins the bytes of a submit message: a change here is a change of the
// market's interface.
func TestSubmitGolden(t *testing.T) {
	t.Parallel()
	const want = "4449444c0e6c099f93c602019dbac3197ba9c7e06201b8f0e1c20402c5b39af80703d18e94da09068a88f7f00b07eee6a4fb0b7d86d6ddee0e0d6d7b6b038dfaf09b037fe4ccc5c8057fbfc5d0b8077f6e046c02f3a90105e1edeb4a716b02f6bee9047f80908cf4097f6b028daacd94087fc7bfe7b60b686b03cedfa0a804089ca7cc970609d994ffc9090a6c03cedfa0a80401eb90e0ec0b7880d8b2900c796c0390beb36301cedfa0a8040180d8b2900c796d0b6b02ad99e7e70471daae9c8f090c6d796b02e49eea067f9cbab69c027f010003010203022000000000000000000000000000000000000000000000000000000000000000000201000c61737361795f726573756c7401010104020200076772c3bc657a69010365000000a81d0000660000008980808080808080800e01"
	msg, err := EncodeSubmitArgs(sampleSubmit())
	if err != nil {
		t.Fatal(err)
	}
	if got := hex.EncodeToString(msg); got != want {
		t.Errorf("message is\n%s\nwant\n%s", got, want)
	}
	got, err := DecodeSubmitArgs(msg)
	if err != nil {
		t.Fatal(err)
	}
	if diff := candidtest.Diff(sampleSubmit(), got); diff != "" {
		t.Errorf("after a round trip (-want +got):\n%s", diff)
	}
}

func TestRoundTrips(t *testing.T) {
	t.Parallel()
	candidtest.RoundTrip(t, 100, EncodeInitArgs, DecodeInitArgs)
	candidtest.RoundTrip(t, 100, EncodeSubmitArgs, DecodeSubmitArgs)
	candidtest.RoundTrip(t, 50, EncodeSubmitResults, DecodeSubmitResults)
	candidtest.RoundTrip(t, 50, EncodeQuoteArgs, DecodeQuoteArgs)
	candidtest.RoundTrip(t, 50, EncodeWithdrawArgs, DecodeWithdrawArgs)
	candidtest.RoundTrip(t, 50, EncodeWithdrawResults, DecodeWithdrawResults)
	candidtest.RoundTrip(t, 100, EncodeJobResults, DecodeJobResults)
	candidtest.RoundTrip(t, 50, EncodeResultResults, DecodeResultResults)
	candidtest.RoundTrip(t, 50, EncodeReceiptResults, DecodeReceiptResults)
	candidtest.RoundTrip(t, 50, EncodeEventsResults, DecodeEventsResults)
	candidtest.RoundTrip(t, 50, EncodeAssignmentsResults, DecodeAssignmentsResults)
	candidtest.RoundTrip(t, 50, EncodeJobInputResults, DecodeJobInputResults)
	candidtest.RoundTrip(t, 50, EncodeDeliverArgs, DecodeDeliverArgs)
	candidtest.RoundTrip(t, 50, EncodeRevealArgs, DecodeRevealArgs)
	candidtest.RoundTrip(t, 50, EncodeAdmitArgs, DecodeAdmitArgs)
	candidtest.RoundTrip(t, 50, EncodeRegistryResults, DecodeRegistryResults)
	candidtest.RoundTrip(t, 50, EncodeBooksResults, DecodeBooksResults)
}

func FuzzSubmitArgs(f *testing.F) {
	msg, err := EncodeSubmitArgs(sampleSubmit())
	if err != nil {
		f.Fatal(err)
	}
	f.Add(msg)
	f.Add([]byte("DIDL\x01\x6c\x01\x00\x00\x01\x00\x00"))
	f.Fuzz(func(t *testing.T, msg []byte) { candidtest.Stable(t, msg, EncodeSubmitArgs, DecodeSubmitArgs) })
}

func FuzzJobResults(f *testing.F) {
	for _, j := range []*Job{nil, {Class: &Class{Exact: true}, State: &JobState{Final: true}, Assigned: []principal.Principal{principal.Anonymous}}} {
		msg, err := EncodeJobResults(j)
		if err != nil {
			f.Fatal(err)
		}
		f.Add(msg)
	}
	f.Fuzz(func(t *testing.T, msg []byte) { candidtest.Stable(t, msg, EncodeJobResults, DecodeJobResults) })
}

func BenchmarkDecodeSubmit(b *testing.B) {
	msg, err := EncodeSubmitArgs(sampleSubmit())
	if err != nil {
		b.Fatal(err)
	}
	b.ReportAllocs()
	for b.Loop() {
		if _, err := DecodeSubmitArgs(msg); err != nil {
			b.Fatal(err)
		}
	}
}
