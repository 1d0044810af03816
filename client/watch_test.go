package client

import (
	"errors"
	"testing"
)

// FuzzTake feeds frames to a watcher: it never panics, never goes back, and refuses
// with its own error type.
func FuzzTake(f *testing.F) {
	f.Add([]byte(`{"v":1,"type":"event","seq":3,"at":1,"job":7,"kind":"final"}`))
	f.Add([]byte(`{"v":1,"type":"end","seq":3,"job":7}`))
	f.Add([]byte(`{"v":1,"type":"event","seq":18446744073709551615,"job":7}`))
	f.Fuzz(func(t *testing.T, data []byte) {
		w := watcher{job: 7, next: 2, show: func(Frame) error { return nil }}
		_, err := w.take(data)
		var want *FrameError
		if err != nil && !errors.As(err, &want) {
			t.Errorf("error of type %T", err)
		}
		if w.next < 2 {
			t.Errorf("next went back to %d", w.next)
		}
	})
}
