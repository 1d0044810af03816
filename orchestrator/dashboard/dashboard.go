// Package dashboard is the daemon's HTTP side: health, readiness, metrics, a status page
// in which each loop says in words what it waits for, and the door to the event stream.
// It shows and changes nothing.
package dashboard

import (
	"encoding/json"
	"fmt"
	"html/template"
	"net/http"
	"sort"
	"strings"
)

// Status is what the daemon says of itself.
type Status struct {
	Provider    string             `json:"provider"`
	Operator    string             `json:"operator"`
	Worker      string             `json:"worker"`
	Market      string             `json:"market"`
	Development string             `json:"development,omitempty"` // what about this daemon is for development only
	Models      []string           `json:"models"`
	Loops       map[string]string  `json:"loops"` // each loop and what it waits for
	Lanes       map[string]string  `json:"lanes"` // busy lanes and their tickets
	Counts      map[string]float64 `json:"counts"`
	Ready       bool               `json:"ready"`
}

// Handler serves /healthz /readyz /metrics /status, / as a page and /v1/events as the stream.
func Handler(status func() Status, events http.Handler) http.Handler {
	mux := http.NewServeMux()
	mux.HandleFunc("GET /healthz", func(w http.ResponseWriter, _ *http.Request) { fmt.Fprintln(w, "ok") })
	mux.HandleFunc("GET /readyz", func(w http.ResponseWriter, _ *http.Request) {
		if !status().Ready {
			http.Error(w, "not ready: "+strings.Join(words(status().Loops), "; "), http.StatusServiceUnavailable)
			return
		}
		fmt.Fprintln(w, "ready")
	})
	mux.HandleFunc("GET /status", func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Type", "application/json")
		_ = json.NewEncoder(w).Encode(status())
	})
	mux.HandleFunc("GET /metrics", func(w http.ResponseWriter, _ *http.Request) { metrics(w, status()) })
	mux.HandleFunc("GET /{$}", func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Type", "text/html; charset=utf-8")
		_ = page.Execute(w, status())
	})
	mux.Handle("GET /v1/events", events)
	return mux
}

func words(loops map[string]string) (out []string) {
	for name, what := range loops {
		out = append(out, name+": "+what)
	}
	sort.Strings(out)
	return out
}

// metrics writes the counts in Prometheus' text form.
func metrics(w http.ResponseWriter, s Status) {
	w.Header().Set("Content-Type", "text/plain; version=0.0.4")
	names := make([]string, 0, len(s.Counts))
	for name := range s.Counts {
		names = append(names, name)
	}
	sort.Strings(names)
	for _, name := range names {
		kind := "gauge"
		if strings.HasSuffix(name, "_total") {
			kind = "counter"
		}
		fmt.Fprintf(w, "# TYPE assay_%s %s\nassay_%s %g\n", name, kind, name, s.Counts[name])
	}
}

var page = template.Must(template.New("status").Parse(`<!doctype html>
<meta charset="utf-8"><meta name="viewport" content="width=device-width"><title>{{.Provider}} · Assay provider</title>
<style>body{font:16px/1.5 system-ui,sans-serif;max-width:50rem;margin:2rem auto;padding:0 1rem}th{text-align:left;padding-right:1rem;vertical-align:top}</style>
<h1>{{.Provider}}</h1>
{{with .Development}}<p><strong>For development only:</strong> {{.}}</p>{{end}}
<table><tr><th>operator<td><code>{{.Operator}}</code><tr><th>worker<td><code>{{.Worker}}</code><tr><th>market<td><code>{{.Market}}</code>
{{range .Models}}<tr><th>model<td>{{.}}{{end}}</table>
<h2>What each loop waits for</h2><table>{{range $name, $what := .Loops}}<tr><th>{{$name}}<td>{{$what}}{{end}}</table>
<h2>Lanes</h2><table>{{range $lane, $ticket := .Lanes}}<tr><th>{{$lane}}<td>ticket {{$ticket}}{{else}}<tr><td>all free{{end}}</table>
<h2>Counts</h2><table>{{range $name, $n := .Counts}}<tr><th>{{$name}}<td>{{$n}}{{end}}</table>
`))
