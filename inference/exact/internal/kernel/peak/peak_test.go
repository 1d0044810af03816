package peak

import "testing"

// Every loop ends, and its work is that of twelve registers.
func TestLoopsEnd(t *testing.T) {
	for _, l := range Loops() {
		l.Run(3)
		if l.Name == "" || l.Unit == "" || l.Work <= 0 || int(l.Work)%12 != 0 {
			t.Errorf("loop %+v", l)
		}
	}
}
