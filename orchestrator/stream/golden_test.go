package stream

import (
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/gorilla/websocket"
)

// TestGoldenFrames: the bytes of version 1, in the order in which a watcher gets them.
// They are a promise to pages and programs of others: a change is a new version.
func TestGoldenFrames(t *testing.T) {
	t.Parallel()
	src, hub, url := serve(t)
	src.add(hub, 7, "submitted")
	src.add(hub, 7, "final")
	want := []string{
		`{"v":1,"type":"snapshot","seq":2,"job":7,"state":"final"}`,
		`{"v":1,"type":"event","seq":0,"at":1,"job":7,"kind":"submitted"}`,
		`{"v":1,"type":"event","seq":1,"at":1,"job":7,"kind":"final"}`,
		`{"v":1,"type":"end","seq":2,"job":7,"state":"final"}`,
	}
	conn := dial(t, url, "job=7")
	var got []string
	for range want {
		kind, frame, err := conn.ReadMessage()
		if err != nil || kind != websocket.TextMessage {
			t.Fatalf("message of kind %d, %v; after %q", kind, err, got)
		}
		got = append(got, string(frame))
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("frames (-want +got):\n%s", diff)
	}
}
