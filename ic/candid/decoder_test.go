package candid

import (
	"errors"
	"fmt"
	"strings"
	"testing"

	"assay/ic/principal"
)

// one decodes a message of one value and prints it.
func one[T any](get func(*Decoder, Type, *T)) func(msg string) (string, error) {
	return func(msg string) (string, error) {
		v, err := DecodeOne("value", &Header{Text: "no message"}, []byte(msg), get)
		return fmt.Sprint(v), err
	}
}

func optNat(d *Decoder, t Type, v *string) {
	var n *Nat
	GetOpt(d, t, &n, GetNat)
	*v = "null"
	if n != nil {
		*v = "opt " + n.String()
	}
}

func vecOptNat(d *Decoder, t Type, v *[]string) { GetVec(d, t, v, optNat) }

// point is record { 1 : nat8; 3 : opt nat; 5 : text }.
func point(d *Decoder, t Type, v *string) {
	r := d.Record(t)
	var one uint8
	var three, five string
	GetNat8(d, r.Field(1), &one)
	optNat(d, r.Field(3), &three)
	GetText(d, r.Field(5), &five)
	r.End()
	*v = fmt.Sprint(one, " ", three, " ", five)
}

// answer is variant { 0; 1 : nat8 }, and optAnswer an option of it.
func answer(d *Decoder, t Type, v *string) {
	id, t := d.Variant(t)
	switch id {
	case 0:
		var set bool
		GetTag(d, t, &set)
		*v = fmt.Sprint("0 ", set)
	case 1:
		var n uint8
		GetNat8(d, t, &n)
		*v = fmt.Sprint("1 ", n)
	default:
		d.UnknownTag()
	}
	d.EndVariant()
}

func optAnswer(d *Decoder, t Type, v *string) {
	var a *string
	GetOpt(d, t, &a, answer)
	*v = "null"
	if a != nil {
		*v = "opt " + *a
	}
}

const ok = ErrorKind(0)

func TestDecode(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		name, msg string
		decode    func(string) (string, error)
		kind      ErrorKind
		want      string // value, or part of the error
	}{
		{"no message", "", one(GetNat), Malformed, "DIDL"},
		{"other magic", "DADL\x00\x00", one(GetNat), Malformed, "DIDL"},
		{"nat", "DIDL\x00\x01\x7d\x05", one(GetNat), ok, "5"},
		{"nat with zeros that pad it", "DIDL\x00\x01\x7d\x85\x80\x00", one(GetNat), ok, "5"},
		{"nat of 128 bits", "DIDL\x00\x01\x7d" + strings.Repeat("\xff", 18) + "\x03", one(GetNat), ok, "340282366920938463463374607431768211455"},
		{"nat of 129 bits", "DIDL\x00\x01\x7d" + strings.Repeat("\xff", 18) + "\x07", one(GetNat), Malformed, "128 bits"},
		{"nat without end", "DIDL\x00\x01\x7d\x80\x80", one(GetNat), Malformed, "short"},
		{"int of -2^127", "DIDL\x00\x01\x7c" + strings.Repeat("\x80", 18) + "\x7e", one(GetInt), ok, "-170141183460469231731687303715884105728"},
		{"int of -2^127-1", "DIDL\x00\x01\x7c" + strings.Repeat("\xff", 17) + "\xff\x7d", one(GetInt), Malformed, "128 bits"},
		{"int with signs that pad it", "DIDL\x00\x01\x7c\xfe" + strings.Repeat("\xff", 30) + "\x7f", one(GetInt), ok, "-2"},
		{"nat as int", "DIDL\x00\x01\x7d\x80\x01", one(GetInt), ok, "128"},
		{"int as nat", "DIDL\x00\x01\x7c\x05", one(GetNat), Mismatch, "expected nat, found int"},
		{"bool over 1", "DIDL\x00\x01\x7e\x02", one(GetBool), Malformed, "bool"},
		{"text", "DIDL\x00\x01\x71\x03\xe2\x98\x83", one(GetText), ok, "☃"},
		{"text that is no UTF-8", "DIDL\x00\x01\x71\x03\xe2\x28\xa1", one(GetText), Malformed, "UTF-8"},
		{"text longer than the message", "DIDL\x00\x01\x71\x80\x94\xeb\xdc\x03abc", one(GetText), Malformed, "count"},
		{"principal", "DIDL\x00\x01\x68\x01\x03\xca\xff\xee", one(GetPrincipal), ok, "w7x7r-cok77-xa"},
		{"principal of 30 bytes", "DIDL\x00\x01\x68\x01\x1e" + strings.Repeat("a", 30), one(GetPrincipal), Malformed, "29"},
		{"service as principal", "DIDL\x01\x69\x00\x01\x00\x01\x03\xca\xff\xee", one(GetPrincipal), ok, "w7x7r-cok77-xa"},
		{"func as principal", "DIDL\x01\x6a\x00\x00\x00\x01\x00\x01\x01\x03\xca\xff\xee\x01a", one(GetPrincipal), Mismatch, "found func"},
		{"value of type empty", "DIDL\x00\x01\x6f", one(GetPrincipal), Malformed, "empty"},

		{"missing argument", "DIDL\x00\x00", one(GetNat), Mismatch, "found nothing"},
		{"missing argument, opt", "DIDL\x00\x00", one(optNat), ok, "null"},
		{"extra argument", "DIDL\x00\x02\x7d\x71\x05\x02hi", one(GetNat), ok, "5"},
		{"extra argument that is malformed", "DIDL\x00\x02\x7d\x71\x05\x02\xff\xff", one(GetNat), Malformed, "UTF-8"},
		{"bytes after the last value", "DIDL\x00\x01\x7d\x05\x00", one(GetNat), Malformed, "after"},

		{"opt", "DIDL\x01\x6e\x7d\x01\x00\x01\x05", one(optNat), ok, "opt 5"},
		{"opt from a value", "DIDL\x00\x01\x7d\x05", one(optNat), ok, "opt 5"},
		{"opt of another type", "DIDL\x01\x6e\x71\x01\x00\x01\x02hi", one(optNat), ok, "null"},
		{"opt of another type that is malformed", "DIDL\x01\x6e\x71\x01\x00\x01\x02\xff\xff", one(optNat), Malformed, "UTF-8"},
		{"opt from a value of another type", "DIDL\x00\x01\x71\x02hi", one(optNat), ok, "null"},
		{"opt from null", "DIDL\x00\x01\x7f", one(optNat), ok, "null"},
		{"opt from reserved", "DIDL\x00\x01\x70", one(optNat), ok, "null"},
		{"opt from the future", "DIDL\x01\x67\x03ABC\x01\x00\x05\x00hello", one(optNat), ok, "null"},
		{"the future itself", "DIDL\x01\x67\x03ABC\x01\x00\x05\x00hello", one(GetNat), Mismatch, "future"},
		{"opt neither present nor absent", "DIDL\x01\x6e\x7d\x01\x00\x02\x05", one(optNat), Malformed, "option"},

		{"record", "DIDL\x02\x6c\x03\x01\x7b\x03\x01\x05\x71\x6e\x7d\x01\x00\x07\x01\x05\x01a", one(point), ok, "7 opt 5 a"},
		{"record with other fields before, between and after", "DIDL\x01\x6c\x05\x00\x7d\x01\x7b\x04\x7e\x05\x71\x06\x71\x01\x00\x09\x07\x01\x01a\x01b", one(point), ok, "7 null a"},
		{"record without a field", "DIDL\x01\x6c\x01\x01\x7b\x01\x00\x07", one(point), Mismatch, "expected text, found nothing"},
		{"record with a field of another type", "DIDL\x01\x6c\x02\x01\x71\x05\x71\x01\x00\x00\x00", one(point), Mismatch, "expected nat8, found text"},
		{"no record", "DIDL\x00\x01\x7d\x05", one(point), Mismatch, "expected record, found nat"},
		{"record with ids out of order", "DIDL\x01\x6c\x02\x05\x71\x01\x7b\x01\x00\x00\x00", one(point), Malformed, "ascending"},
		{"record with an id twice", "DIDL\x01\x6c\x02\x01\x7b\x01\x7b\x01\x00\x00\x00", one(point), Malformed, "ascending"},
		{"record with an id of 33 bits", "DIDL\x01\x6c\x01\x80\x80\x80\x80\x10\x7b\x01\x00\x00", one(point), Malformed, "32 bits"},
		{"record that contains itself, not asked for", "DIDL\x01\x6c\x01\x00\x00\x01\x00\x00", one(GetReserved), Limit, "deep"},
		{"record that contains itself", "DIDL\x01\x6c\x01\x00\x00\x01\x00\x00", one(point), Limit, "deep"},

		{"variant", "DIDL\x01\x6b\x02\x00\x7f\x01\x7b\x01\x00\x01\x05", one(answer), ok, "1 5"},
		{"variant with fewer tags", "DIDL\x01\x6b\x01\x00\x7f\x01\x00\x00", one(answer), ok, "0 true"},
		{"variant with more tags, a known one", "DIDL\x01\x6b\x02\x00\x7f\x09\x7b\x01\x00\x00", one(answer), ok, "0 true"},
		{"variant with an unknown tag", "DIDL\x01\x6b\x01\x09\x7b\x01\x00\x00\x05", one(answer), Mismatch, "tag"},
		{"opt variant with an unknown tag", "DIDL\x02\x6e\x01\x6b\x01\x09\x7b\x01\x00\x01\x00\x05", one(optAnswer), ok, "null"},
		{"opt variant with more tags, a known one", "DIDL\x02\x6e\x01\x6b\x02\x00\x7f\x09\x7b\x01\x00\x01\x00", one(optAnswer), ok, "opt 0 true"},
		{"opt variant from a variant with an unknown tag", "DIDL\x01\x6b\x01\x09\x7b\x01\x00\x00\x05", one(optAnswer), ok, "null"},
		{"variant with a tag out of range", "DIDL\x01\x6b\x01\x00\x7f\x01\x00\x01", one(answer), Malformed, "range"},
		{"variant whose payload has another type", "DIDL\x01\x6b\x01\x01\x71\x01\x00\x00\x02hi", one(answer), Mismatch, "expected nat8, found text"},

		{"blob", "DIDL\x01\x6d\x7b\x01\x00\x03abc", one(GetBlob), ok, "[97 98 99]"},
		{"blob from an empty vector", "DIDL\x01\x6d\x6f\x01\x00\x00", one(GetBlob), ok, "[]"},
		{"blob from bools", "DIDL\x01\x6d\x7e\x01\x00\x01\x01", one(GetBlob), Mismatch, "expected nat8, found bool"},
		{"blob longer than the message", "DIDL\x01\x6d\x7b\x01\x00\x80\x94\xeb\xdc\x03abc", one(GetBlob), Malformed, "longer"},
		{"vector of what may take no byte", "DIDL\x01\x6d\x7f\x01\x00\xe8\x07", one(vecOptNat), ok, "[" + strings.TrimSpace(strings.Repeat("null ", 1000)) + "]"},
		{"vector bomb", "DIDL\x01\x6d\x7f\x01\x00\x80\x94\xeb\xdc\x03", one(vecOptNat), Limit, "no byte"},
		{"vector bomb, not asked for", "DIDL\x01\x6d\x70\x01\x00\x80\x94\xeb\xdc\x03", one(GetReserved), Limit, "no byte"},
		{"vectors in a vector, a bomb together", "DIDL\x02\x6d\x01\x6d\x7f\x01\x00\x05" + strings.Repeat("\xff\x7f", 5), one(GetReserved), Limit, "no byte"},

		{"type table longer than the message", "DIDL\x80\x94\xeb\xdc\x03\x00", one(optNat), Malformed, "count"},
		{"arguments longer than the message", "DIDL\x00\x80\x94\xeb\xdc\x03", one(optNat), Malformed, "count"},
		{"type out of the table", "DIDL\x01\x6e\x02\x01\x00\x00", one(optNat), Malformed, "no such type"},
		{"primitive type in the table", "DIDL\x01\x7d\x01\x00\x05", one(optNat), Malformed, "constructor"},
		{"constructor outside the table", "DIDL\x00\x01\x6e\x00", one(optNat), Malformed, "no such type"},
		{"service with a method that is none", "DIDL\x02\x6e\x7e\x69\x01\x03foo\x00\x01\x01\x01\x00", one(optNat), Malformed, "function"},
		{"service with method names out of order", "DIDL\x02\x6a\x00\x00\x00\x69\x02\x01b\x00\x01a\x00\x01\x01\x01\x00", one(optNat), Malformed, "ascending"},
		{"function with an unknown annotation", "DIDL\x01\x6a\x00\x00\x01\x04\x01\x00\x01\x01\x00\x01a", one(optNat), Malformed, "annotation"},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			got, err := c.decode(c.msg)
			if c.kind == ok {
				if err != nil || got != c.want {
					t.Errorf("got %q, %v, want %q", got, err, c.want)
				}
				return
			}
			var de *DecodeError
			if !errors.As(err, &de) || de.Kind != c.kind || !strings.Contains(err.Error(), c.want) {
				t.Errorf("got %q, error %v, want one of kind %d about %q", got, err, c.kind, c.want)
			}
		})
	}
}

// TestWorkIsBounded sends records that double at each of 26 levels and take no byte.
func TestWorkIsBounded(t *testing.T) {
	t.Parallel()
	const levels = 26
	msg := "DIDL" + string(rune(levels)) + "\x6c\x00"
	for i := range levels - 1 {
		msg += "\x6c\x02\x00" + string(rune(i)) + "\x01" + string(rune(i))
	}
	msg += "\x01" + string(rune(levels-1))
	_, err := DecodeOne("bomb", &Header{Text: "no message"}, []byte(msg), GetReserved)
	var de *DecodeError
	if !errors.As(err, &de) || de.Kind != Limit {
		t.Errorf("error %v, want a limit", err)
	}
}

func TestLimits(t *testing.T) {
	t.Parallel()
	nested := "DIDL\x01\x6e\x00\x01\x00" + strings.Repeat("\x01", 20) + "\x00" // opt in opt in …
	for _, c := range []struct {
		name   string
		msg    string
		limits Limits
		want   bool
	}{
		{"bytes", "DIDL\x00\x00", Limits{Bytes: 6}, true},
		{"one byte too many", "DIDL\x00\x00", Limits{Bytes: 5}, false},
		{"depth", nested, Limits{Depth: 64}, true},
		{"too deep", nested, Limits{Depth: 10}, false},
		{"types", "DIDL\x02\x6e\x7d\x6e\x7d\x00", Limits{Types: 2}, true},
		{"too many types", "DIDL\x02\x6e\x7d\x6e\x7d\x00", Limits{Types: 1}, false},
		{"too many fields", "DIDL\x02\x6c\x01\x00\x7d\x6c\x01\x00\x7d\x00", Limits{Types: 1}, false},
		{"zero-sized elements", "DIDL\x01\x6d\x7f\x01\x00\x05", Limits{Zero: 5}, true},
		{"one zero-sized element too many", "DIDL\x01\x6d\x7f\x01\x00\x06", Limits{Zero: 5}, false},
		{"work", "DIDL\x00\x02\x7d\x7d\x05\x05", Limits{Work: 2}, true},
		{"too much work", "DIDL\x00\x02\x7d\x7d\x05\x05", Limits{Work: 1}, false},
	} {
		err := NewDecoderLimits([]byte(c.msg), c.limits).Finish("message")
		var de *DecodeError
		if c.want && err != nil || !c.want && (!errors.As(err, &de) || de.Kind != Limit) {
			t.Errorf("%s: error %v", c.name, err)
		}
	}
}

// TestBlobIsCopied checks that a decoded blob does not change with the message.
func TestBlobIsCopied(t *testing.T) {
	t.Parallel()
	msg := []byte("DIDL\x01\x6d\x7b\x01\x00\x03abc")
	b, err := DecodeOne("blob", &Header{Text: string(msg[:9])}, msg, GetBlob)
	if err != nil {
		t.Fatal(err)
	}
	clear(msg)
	if string(b) != "abc" {
		t.Errorf("blob is %q after the message changed", b)
	}
}

func TestEncodeRefuses(t *testing.T) {
	t.Parallel()
	text := "\xff"
	if _, err := EncodeOne("text", &Header{Text: "DIDL\x00\x01\x71"}, &text, PutText); err == nil {
		t.Error("text that is no UTF-8 was encoded")
	}
	for _, set := range [][]bool{{}, {false, false}, {true, true}, {true, false, true}} {
		e := NewEncoder("DIDL")
		if i := e.Variant(set...); i != -1 {
			t.Errorf("variant with %v set has tag %d", set, i)
		}
		var ee *EncodeError
		if _, err := e.Finish("variant"); !errors.As(err, &ee) || ee.What != "variant" {
			t.Errorf("variant with %v set: error %v", set, err)
		}
	}
}

// FuzzDecode reads any bytes at types of every form; the decoder must neither panic nor
// say yes to a message with bytes left.
func FuzzDecode(f *testing.F) {
	for _, seed := range []string{
		"DIDL\x00\x00",
		"DIDL\x02\x6c\x03\x01\x7b\x03\x01\x05\x71\x6e\x7d\x01\x00\x07\x01\x05\x01a",
		"DIDL\x01\x6c\x01\x00\x00\x01\x00",
		"DIDL\x02\x6e\x01\x6b\x01\x09\x7b\x01\x00\x01\x00\x05",
		"DIDL\x01\x67\x03ABC\x02\x00\x7e\x05\x00hello\x01",
		"DIDL\x02\x6a\x01\x71\x01\x7d\x01\x01\x69\x01\x03foo\x00\x01\x01\x01\x03\xca\xff\xee",
		"DIDL\x01\x6d\x7f\x01\x00\x80\x94\xeb\xdc\x03",
		"DIDL\x00\x03\x7d\x7c\x7c\xff\x01\xff\x7f\x80\x7f",
	} {
		f.Add([]byte(seed))
	}
	// func (opt nat) -> (text) query, and service { foo : that }
	method := &Reference{Header: Header{Text: "DIDL\x02\x6e\x7d\x6a\x01\x00\x01\x71\x01\x01\x01\x01"}}
	ledger := &Reference{Header: Header{Text: "DIDL\x03\x6e\x7d\x6a\x01\x00\x01\x71\x01\x01\x69\x01\x03foo\x01\x01\x02"}}
	f.Fuzz(func(t *testing.T, msg []byte) {
		decode := map[string]func(string) (string, error){
			"reserved": one(GetReserved), "opt": one(optNat), "vec": one(vecOptNat), "record": one(point),
			"variant": one(answer), "opt variant": one(optAnswer), "nat": one(GetNat), "int": one(GetInt),
			"blob": one(GetBlob), "principal": one(GetPrincipal), "func": one(method.GetFunc), "service": one(ledger.GetService),
		}
		for name, f := range decode {
			if _, err := f(string(msg)); err == nil {
				if _, err := f(string(msg) + "\x00"); err == nil {
					t.Errorf("%s: a byte after message %x was not noticed", name, msg)
				}
			} else if de := (*DecodeError)(nil); !errors.As(err, &de) || de.Offset > len(msg) {
				t.Errorf("%s: error %v of message %x", name, err, msg)
			}
		}
	})
}

func TestFieldID(t *testing.T) {
	t.Parallel()
	for name, want := range map[string]uint32{"": 0, "id": 23515, "ok": 24860, "err": 5048165, "head": 1158359328, "tail": 1291237008} {
		if got := FieldID(name); got != want {
			t.Errorf("FieldID(%q) = %d, want %d", name, got, want)
		}
	}
}

// TestPutGolden compares values with bytes from the specification of the format.
func TestPutGolden(t *testing.T) {
	t.Parallel()
	e := NewEncoder("")
	put := func(want string, append func()) {
		t.Helper()
		start := len(e.buf)
		append()
		if got := string(e.buf[start:]); got != want {
			t.Errorf("got %x, want %x", got, want)
		}
	}
	yes, name, id, blob := true, "héllo", principal.MustParse("w7x7r-cok77-xa"), []byte{1, 2}
	put("\x01", func() { PutBool(e, &yes) })
	put("\x06h\xc3\xa9llo", func() { PutText(e, &name) })
	put("\x01\x03\xca\xff\xee", func() { PutPrincipal(e, &id) })
	put("\x02\x01\x02", func() { PutBlob(e, &blob) })
	for n, want := range map[uint64]string{0: "\x00", 127: "\x7f", 128: "\x80\x01", 624485: "\xe5\x8e\x26"} {
		put(want, func() { PutNat(e, &Nat{Lo: n}) })
	}
	for n, want := range map[int64]string{0: "\x00", 63: "\x3f", 64: "\xc0\x00", -1: "\x7f", -64: "\x40", -65: "\xbf\x7f", -123456: "\xc0\xbb\x78"} {
		i := NewInt(n)
		put(want, func() { PutInt(e, &i) })
	}
	i32, f64 := int32(-2), 0.5
	put("\xfe\xff\xff\xff", func() { PutInt32(e, &i32) })
	put("\x00\x00\x00\x00\x00\x00\xe0\x3f", func() { PutFloat64(e, &f64) })
}
