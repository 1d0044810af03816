// Package calendar says when work is due that is planned by the calendar: a line such as
// "30 4 * * 1", which is 4:30 on Mondays, UTC.
//
// Package cdk keeps schedules with its tasks; canisters only write the line. Nothing
// here knows the time: [Schedule.Next] is a pure function.
//
// The five fields are minute (0–59), hour (0–23), day of the month (1–31), month (1–12)
// and day of the week (0–6, 0 is Sunday). A field is * or a list of numbers, ranges and
// steps: "0,30", "9-17", "*/15", "8-18/2". As in other calendars of this kind, a
// schedule that restricts both the day of the month and the day of the week fires on
// days that fit either.
package calendar

import (
	"encoding/binary"
	"fmt"
	"math"
	"math/bits"
	"strconv"
	"strings"
)

// Schedule is a set of minutes. The zero value never fires.
type Schedule struct {
	minutes  uint64 // bit 0: minute 0
	hours    uint32
	days     uint32 // bit 1: the first of the month
	months   uint16 // bit 1: January
	weekdays uint8  // bit 0: Sunday
}

// maxText is the longest line that [Parse] reads, in bytes.
const maxText = 256

// Error says what is wrong with a line.
type Error struct {
	Field string // "" for the line as a whole
	Text  string
	Why   string
}

// Error names the field.
func (e *Error) Error() string {
	if e.Field == "" {
		return fmt.Sprintf("calendar %q: %s", e.Text, e.Why)
	}
	return fmt.Sprintf("calendar: %s %q: %s", e.Field, e.Text, e.Why)
}

// field is the name and the bounds of a field.
type field struct {
	name        string
	first, last int
}

var fields = [5]field{{"minute", 0, 59}, {"hour", 0, 23}, {"day", 1, 31}, {"month", 1, 12}, {"weekday", 0, 6}}

func (f field) all() uint64 { return 1<<(f.last+1) - 1<<f.first }

// Parse reads a line. A schedule that never fires, such as the 30th of February, is an
// error too.
func Parse(text string) (Schedule, error) {
	if len(text) > maxText {
		return Schedule{}, &Error{"", text[:20] + "…", fmt.Sprintf("%d bytes, at most %d are allowed", len(text), maxText)}
	}
	parts := strings.Split(text, " ")
	if len(parts) != len(fields) {
		return Schedule{}, &Error{"", text, "five fields with one space between them are needed: minute hour day month weekday"}
	}
	var sets [5]uint64
	for i, part := range parts {
		var err error
		if sets[i], err = fields[i].parse(part); err != nil {
			return Schedule{}, err
		}
	}
	return compose(sets, text)
}

func compose(sets [5]uint64, text string) (Schedule, error) {
	s := Schedule{minutes: sets[0], hours: uint32(sets[1]), days: uint32(sets[2]), months: uint16(sets[3]), weekdays: uint8(sets[4])}
	if _, ok := s.Next(0); !ok {
		return Schedule{}, &Error{"", text, "no month has such a day"}
	}
	return s, nil
}

// parse reads a list.
func (f field) parse(text string) (set uint64, err error) {
	for item := range strings.SplitSeq(text, ",") {
		s, err := f.item(item)
		if err != nil {
			return 0, err
		}
		set |= s
	}
	return set, nil
}

// item reads a number, a range, or * and with a step behind it.
func (f field) item(text string) (uint64, error) {
	rest, stepText, stepped := strings.Cut(text, "/")
	step := 1
	if stepped {
		var err error
		if step, err = f.number(stepText, 1, f.last); err != nil {
			return 0, err
		}
	}
	low, high, ranged := strings.Cut(rest, "-")
	from, to := f.first, f.last
	if rest != "*" {
		var err error
		if from, err = f.number(low, f.first, f.last); err != nil {
			return 0, err
		}
		switch to = from; {
		case ranged:
			if to, err = f.number(high, from, f.last); err != nil {
				return 0, err
			}
		case stepped:
			return 0, &Error{f.name, text, "a step follows * or a range"}
		}
	}
	set := uint64(0)
	for n := from; n <= to; n += step {
		set |= 1 << n
	}
	return set, nil
}

func (f field) number(text string, least, most int) (int, error) {
	n, err := strconv.Atoi(text)
	if err != nil || n < least || n > most || strconv.Itoa(n) != text {
		return 0, &Error{f.name, text, fmt.Sprintf("a number from %d to %d is needed", least, most)}
	}
	return n, nil
}

func (s Schedule) sets() [5]uint64 {
	return [5]uint64{s.minutes, uint64(s.hours), uint64(s.days), uint64(s.months), uint64(s.weekdays)}
}

// String is a line that [Parse] reads as the same schedule: * or plain numbers.
func (s Schedule) String() string {
	var out []string
	for i, set := range s.sets() {
		if set == fields[i].all() {
			out = append(out, "*")
			continue
		}
		var numbers []string
		for ; set != 0; set &= set - 1 {
			numbers = append(numbers, strconv.Itoa(bits.TrailingZeros64(set)))
		}
		out = append(out, strings.Join(numbers, ","))
	}
	return strings.Join(out, " ")
}

// Bytes is the length of an encoded schedule.
const Bytes = 19

// Append encodes a schedule, little-endian: u64 minutes, u32 hours, u32 days, u16
// months, u8 weekdays, a bit for each.
func (s Schedule) Append(b []byte) []byte {
	b = binary.LittleEndian.AppendUint64(b, s.minutes)
	b = binary.LittleEndian.AppendUint32(b, s.hours)
	b = binary.LittleEndian.AppendUint32(b, s.days)
	b = binary.LittleEndian.AppendUint16(b, s.months)
	return append(b, s.weekdays)
}

// Decode reads what [Schedule.Append] wrote and nothing else.
func Decode(b []byte) (Schedule, error) {
	if len(b) != Bytes {
		return Schedule{}, &Error{"", "encoded", fmt.Sprintf("%d bytes, want %d", len(b), Bytes)}
	}
	sets := [5]uint64{
		binary.LittleEndian.Uint64(b), uint64(binary.LittleEndian.Uint32(b[8:])), uint64(binary.LittleEndian.Uint32(b[12:])),
		uint64(binary.LittleEndian.Uint16(b[16:])), uint64(b[18]),
	}
	for i, set := range sets {
		if set == 0 || set&^fields[i].all() != 0 {
			return Schedule{}, &Error{fields[i].name, "encoded", fmt.Sprintf("bits %x", set)}
		}
	}
	return compose(sets, "encoded")
}

const (
	minuteNs = 60_000_000_000
	// The calendar repeats where a day can be missing longest, the 29th of February:
	// eight years, as from 2096 to 2104. A weekday that is asked for as well only adds days.
	maxDays = 8*366 + 1
)

// Next is the first moment after a time at which the schedule fires, both in ns since
// 1970. It reports false where there is none below 2⁶⁴ ns, in 2554.
func (s Schedule) Next(after uint64) (uint64, bool) {
	minute := after/minuteNs + 1
	day, inDay := minute/1440, int(minute%1440)
	hour, inHour := inDay/60, inDay%60
	for range maxDays {
		if s.onDay(day) {
			if at, ok := s.inDay(hour, inHour); ok {
				at := day*1440 + uint64(at)
				return at * minuteNs, at <= math.MaxUint64/minuteNs
			}
		}
		day, hour, inHour = day+1, 0, 0
	}
	return 0, false
}

// inDay is the first fitting minute of a day from hour:minute on.
func (s Schedule) inDay(hour, minute int) (int, bool) {
	for hours := uint64(s.hours) >> hour << hour; hours != 0; hours &= hours - 1 {
		h := bits.TrailingZeros64(hours)
		if h > hour {
			minute = 0
		}
		if minutes := s.minutes >> minute << minute; minutes != 0 {
			return h*60 + bits.TrailingZeros64(minutes), true
		}
	}
	return 0, false
}

// onDay reports whether a day fits, counted from 1 January 1970, a Thursday.
func (s Schedule) onDay(day uint64) bool {
	_, month, of := civil(day)
	if s.months>>month&1 == 0 {
		return false
	}
	inMonth, inWeek := s.days>>of&1 == 1, s.weekdays>>((day+4)%7)&1 == 1
	if uint64(s.days) == fields[2].all() || uint64(s.weekdays) == fields[4].all() {
		return inMonth && inWeek
	}
	return inMonth || inWeek
}

// civil is the Gregorian date of a day. It counts in years that begin in March, so that
// the leap day is the last: 400 of them have 146,097 days, and five months 153.
func civil(day uint64) (year, month, of uint64) {
	day += 719_468 // from 1 March of the year 0
	era, of := day/146_097, day%146_097
	of400 := (of - of/1460 + of/36_524 - of/146_096) / 365
	of -= 365*of400 + of400/4 - of400/100
	month = (5*of + 2) / 153
	of -= (153*month+2)/5 - 1
	year = era*400 + of400
	if month += 3; month > 12 {
		month -= 12
		year++
	}
	return year, month, of
}
