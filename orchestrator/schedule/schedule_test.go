package schedule

import (
	"testing"

	"github.com/google/go-cmp/cmp"
)

func TestNext(t *testing.T) {
	cold, warm, busy := Lane{"cold", "", true}, Lane{"warm", "minilm", true}, Lane{"busy", "minilm", false}
	for name, c := range map[string]struct {
		lanes   []Lane
		waiting []Ticket
		want    Decision
	}{
		"nothing waits":         {[]Lane{cold}, nil, Decision{}},
		"no lane is free":       {[]Lane{busy}, []Ticket{{"1", "minilm", 9, false}}, Decision{}},
		"the warm lane":         {[]Lane{cold, warm}, []Ticket{{"1", "minilm", 9, false}}, Decision{Place: []Placement{{"1", "warm"}}}},
		"earliest deadline":     {[]Lane{cold}, []Ticket{{"1", "m", 9, false}, {"2", "m", 8, false}}, Decision{Place: []Placement{{"2", "cold"}}}},
		"reveals before all":    {[]Lane{cold}, []Ticket{{"1", "m", 8, false}, {"2", "m", 9, true}}, Decision{Place: []Placement{{"2", "cold"}}}},
		"equal deadlines by id": {[]Lane{cold}, []Ticket{{"2", "m", 9, false}, {"1", "m", 9, false}}, Decision{Place: []Placement{{"1", "cold"}}}},
		"too late is dropped":   {[]Lane{cold}, []Ticket{{"1", "m", 5, false}, {"2", "m", 9, false}}, Decision{Place: []Placement{{"2", "cold"}}, Expired: []string{"1"}}},
		"both lanes":            {[]Lane{cold, warm}, []Ticket{{"1", "other", 8, false}, {"2", "minilm", 9, false}}, Decision{Place: []Placement{{"1", "cold"}, {"2", "warm"}}}},
	} {
		if diff := cmp.Diff(c.want, Next(5, c.lanes, c.waiting)); diff != "" {
			t.Errorf("%s (-want +got):\n%s", name, diff)
		}
	}
}
