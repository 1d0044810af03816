package calendar

import (
	"bytes"
	"encoding/hex"
	"errors"
	"math"
	"math/rand"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"
)

func at(text string) uint64 {
	t, err := time.Parse("2006-01-02 15:04:05", text)
	if err != nil {
		panic(err)
	}
	return uint64(t.UnixNano())
}

func TestNext(t *testing.T) {
	t.Parallel()
	for _, row := range []struct{ line, after, want string }{
		{"* * * * *", "2026-11-22 14:35:59", "2026-11-22 14:36:00"},
		{"* * * * *", "2026-11-22 14:36:00", "2026-11-22 14:37:00"},
		{"30 4 * * 1", "2026-11-22 14:35:00", "2026-11-23 04:30:00"},
		{"30 4 * * 1", "2026-11-23 04:30:00", "2026-11-30 04:30:00"},
		{"*/15 9-17 * * 1-5", "2026-11-20 17:45:00", "2026-11-23 09:00:00"},
		{"0 0 29 2 *", "2096-03-01 00:00:00", "2104-02-29 00:00:00"},
		{"0 0 31 * *", "2026-11-22 00:00:00", "2026-12-31 00:00:00"},
		{"0 0 1 1 *", "2026-12-31 23:59:59", "2027-01-01 00:00:00"},
		{"0 12 13 * 5", "2026-11-22 00:00:00", "2026-11-27 12:00:00"}, // the 13th or a Friday
		{"5,10 0,23 * * *", "2026-11-22 00:10:00", "2026-11-22 23:05:00"},
		{"59 23 31 12 *", "2026-12-31 23:59:00", "2027-12-31 23:59:00"},
		{"0 8-18/5 * * *", "2026-11-22 08:00:00", "2026-11-22 13:00:00"},
	} {
		s, err := Parse(row.line)
		if err != nil {
			t.Fatal(err)
		}
		if got, ok := s.Next(at(row.after)); !ok || got != at(row.want) {
			t.Errorf("%q after %s: %s, want %s", row.line, row.after, time.Unix(0, int64(got)).UTC(), row.want)
		}
		if again, err := Parse(s.String()); err != nil || again != s {
			t.Errorf("%q prints as %q: %v", row.line, s, err)
		}
	}
}

func TestRefused(t *testing.T) {
	t.Parallel()
	for _, row := range []struct{ line, field string }{
		{"", ""},
		{"* * * *", ""},
		{"* * * * * *", ""},
		{"*  * * * *", ""},
		{" * * * * *", ""},
		{"60 * * * *", "minute"},
		{"-1 * * * *", "minute"},
		{"01 * * * *", "minute"},
		{"+1 * * * *", "minute"},
		{"x * * * *", "minute"},
		{", * * * *", "minute"},
		{"5/2 * * * *", "minute"},
		{"*/0 * * * *", "minute"},
		{"5-3 * * * *", "minute"},
		{"1-2-3 * * * *", "minute"},
		{"*/2/2 * * * *", "minute"},
		{"*-5 * * * *", "minute"},
		{"* 24 * * *", "hour"},
		{"* * 0 * *", "day"},
		{"* * 32 * *", "day"},
		{"* * * 0 *", "month"},
		{"* * * 13 *", "month"},
		{"* * * * 7", "weekday"},
		{"* * * * MON", "weekday"},
		{"0 0 30 2 *", ""},
		{"0 0 31 4,6,9,11 *", ""},
		{strings.Repeat("1,", 200) + "1 * * * *", ""},
	} {
		_, err := Parse(row.line)
		var e *Error
		if !errors.As(err, &e) || e.Field != row.field {
			t.Errorf("%q: %v, want an error about %q", row.line, err, row.field)
		}
	}
	var never Schedule
	if at, ok := never.Next(0); ok {
		t.Errorf("the empty schedule fires at %d", at)
	}
	s, _ := Parse("0 0 1 1 *")
	for _, after := range []uint64{math.MaxUint64, math.MaxUint64 - 100*86400e9} {
		if got, ok := s.Next(after); ok {
			t.Errorf("after the end of time: %d", got)
		}
	}
}

// slow is the same question answered minute by minute, by package time and its own
// reading of the line.
func slow(line string, after uint64, most int) (uint64, bool) {
	var fits [5][60]bool
	var all [5]bool
	for i, part := range strings.Split(line, " ") {
		all[i] = true
		for n := fields[i].first; n <= fields[i].last; n++ {
			fits[i][n] = slices.ContainsFunc(strings.Split(part, ","), func(item string) bool { return slowItem(item, n, fields[i].first) })
			all[i] = all[i] && fits[i][n]
		}
	}
	t := time.Unix(0, int64(after)).UTC().Truncate(time.Minute)
	for range most {
		t = t.Add(time.Minute)
		inMonth, inWeek := fits[2][t.Day()], fits[4][t.Weekday()]
		day := inMonth && inWeek || !all[2] && !all[4] && (inMonth || inWeek)
		if day && fits[0][t.Minute()] && fits[1][t.Hour()] && fits[3][t.Month()] {
			return uint64(t.UnixNano()), true
		}
	}
	return 0, false
}

func slowItem(item string, n, first int) bool {
	item, stepText, _ := strings.Cut(item, "/")
	step, _ := strconv.Atoi(stepText)
	step = max(step, 1)
	if item == "*" {
		return (n-first)%step == 0
	}
	low, high, ranged := strings.Cut(item, "-")
	from, _ := strconv.Atoi(low)
	to := from
	if ranged {
		to, _ = strconv.Atoi(high)
	}
	return from <= n && n <= to && (n-from)%step == 0
}

func randomLine(rng *rand.Rand) string {
	var parts []string
	for _, f := range fields {
		var items []string
		for range 1 + rng.Intn(2) {
			from := f.first + rng.Intn(f.last-f.first+1)
			to := from + rng.Intn(f.last-from+1)
			step := strconv.Itoa(1 + rng.Intn(f.last))
			items = append(items, [...]string{
				"*", "*", "*", strconv.Itoa(from), strconv.Itoa(from) + "-" + strconv.Itoa(to), "*/" + step, strconv.Itoa(from) + "-" + strconv.Itoa(to) + "/" + step,
			}[rng.Intn(7)])
		}
		parts = append(parts, strings.Join(items, ","))
	}
	return strings.Join(parts, " ")
}

// Next agrees with the slow answer wherever that finds one within two weeks, and is later
// than that where it finds none.
func TestNextAgainstSlow(t *testing.T) {
	t.Parallel()
	const minutes = 14 * 1440
	rng := rand.New(rand.NewSource(1))
	found := 0
	for range 300 {
		line := randomLine(rng)
		s, err := Parse(line)
		if err != nil {
			continue // a day that no month has
		}
		after := at("1999-12-01 00:00:00") + uint64(rng.Int63n(150*365*86400))*1e9 + uint64(rng.Intn(1e9))
		checkSlow(t, s, line, after, minutes, &found)
	}
	if found < 100 {
		t.Errorf("only %d schedules fire within two weeks", found)
	}
}

func checkSlow(t *testing.T, s Schedule, line string, after uint64, minutes int, found *int) {
	t.Helper()
	want, ok := slow(line, after, minutes)
	got, fires := s.Next(after)
	switch {
	case ok && (!fires || got != want):
		t.Errorf("%q after %d: %d, %v; want %d", line, after, got, fires, want)
	case !ok && fires && got <= after+uint64(minutes)*minuteNs:
		t.Errorf("%q after %d: %d, want none in %d minutes", line, after, got, minutes)
	}
	if ok {
		*found++
	}
}

func TestCivil(t *testing.T) {
	t.Parallel()
	for day := range uint64(214_000) { // to 2555
		d := time.Unix(int64(day)*86400, 0).UTC()
		if y, m, of := civil(day); int(y) != d.Year() || int(m) != int(d.Month()) || int(of) != d.Day() {
			t.Fatalf("day %d: %d-%d-%d, want %s", day, y, m, of, d)
		}
	}
}

func TestLayout(t *testing.T) {
	t.Parallel()
	s, err := Parse("0,59 4 1 1,12 *")
	if err != nil {
		t.Fatal(err)
	}
	if got, want := hex.EncodeToString(s.Append(nil)), "0100000000000008"+"10000000"+"02000000"+"0210"+"7f"; got != want {
		t.Errorf("layout %s, want %s", got, want)
	}
}

func FuzzParse(f *testing.F) {
	f.Add("0 0 29 2 *", uint64(0))
	f.Add("*/15 9-17 * * 1-5", uint64(1_800_000_000_000_000_000))
	f.Add("0 12 13 * 5", uint64(math.MaxUint64))
	f.Fuzz(func(t *testing.T, line string, after uint64) {
		s, err := Parse(line)
		if err != nil {
			return
		}
		again, err := Parse(s.String())
		if err != nil || again != s {
			t.Fatalf("%q prints as %q: %v", line, s, err)
		}
		if after < math.MaxInt64-3*1440*minuteNs {
			checkSlow(t, s, line, after, 2*1440, new(int))
		}
	})
}

func FuzzDecode(f *testing.F) {
	s, _ := Parse("0,59 4 1 1,12 *")
	f.Add(s.Append(nil))
	f.Add(make([]byte, Bytes))
	f.Fuzz(func(t *testing.T, b []byte) {
		if s, err := Decode(b); err == nil && !bytes.Equal(s.Append(nil), b) {
			t.Errorf("%x encodes to %x", b, s.Append(nil))
		}
	})
}
