package dashboard

import (
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
)

func TestPages(t *testing.T) {
	t.Parallel()
	status := Status{Provider: "alpha <b>", Loops: map[string]string{"poll": "waiting for the next poll"}, Counts: map[string]float64{"run_jobs_total": 3, "journal_assigned_items": 1}}
	h := Handler(func() Status { return status }, http.NotFoundHandler())
	for path, want := range map[string]struct {
		code int
		text string
	}{
		"/healthz": {200, "ok"}, "/readyz": {503, "poll: waiting"}, "/status": {200, `"waiting for the next poll"`},
		"/metrics": {200, "# TYPE assay_run_jobs_total counter\nassay_run_jobs_total 3\n"}, "/": {200, "alpha &lt;b&gt;"}, "/nothing": {404, ""},
	} {
		w := httptest.NewRecorder()
		h.ServeHTTP(w, httptest.NewRequest("GET", path, nil))
		if w.Code != want.code || !strings.Contains(w.Body.String(), want.text) {
			t.Errorf("GET %s: %d %q, want %d with %q", path, w.Code, w.Body.String(), want.code, want.text)
		}
	}
}
