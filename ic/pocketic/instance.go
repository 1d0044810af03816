package pocketic

import (
	"context"
	"encoding/json"
	"fmt"
	"math"
	"net/http"
	"strconv"
	"time"

	"assay/ic/principal"
)

// Instance is one network of a server.
type Instance struct {
	server *Server
	id     uint64
	// Default is an id that the application subnet hosts: the effective id of a request to
	// create a canister there.
	Default principal.Principal
}

// subnetSpec is a new subnet with the limits of the real ones. Servers before version 10 want
// to hear of slicing; later ones skip what they do not know.
type subnetSpec struct {
	State        string `json:"state_config"`
	Instructions string `json:"instruction_config"`
	Slicing      string `json:"dts_flag"`
}

type subnets struct {
	NNS         *subnetSpec  `json:"nns"`
	SNS         *subnetSpec  `json:"sns"`
	II          *subnetSpec  `json:"ii"`
	Fiduciary   *subnetSpec  `json:"fiduciary"`
	Bitcoin     *subnetSpec  `json:"bitcoin"`
	System      []subnetSpec `json:"system"`
	Application []subnetSpec `json:"application"`
	Verified    []subnetSpec `json:"verified_application"`
}

type instanceConfig struct {
	Subnets    subnets `json:"subnet_config_set"`
	Nonmainnet bool    `json:"nonmainnet_features"` // of versions 7 to 9
}

// Create makes an instance in memory with an NNS subnet, which brings the root key, and an
// application subnet. Nothing in it moves before [Instance.AutoProgress] or [Instance.Tick].
func (s *Server) Create(ctx context.Context) (*Instance, error) {
	spec := subnetSpec{State: "New", Instructions: "Production", Slicing: "Enabled"}
	answer, err := s.call(ctx, http.MethodPost, "/instances", instanceConfig{Subnets: subnets{
		NNS: &spec, System: []subnetSpec{}, Application: []subnetSpec{spec}, Verified: []subnetSpec{},
	}})
	if err != nil {
		return nil, err
	}
	i, err := parseCreated(answer)
	if err != nil {
		return nil, err
	}
	i.server = s
	return i, nil
}

func parseCreated(answer []byte) (*Instance, error) {
	var w struct {
		Created *struct {
			ID       *uint64 `json:"instance_id"`
			Topology struct {
				Default struct {
					ID []byte `json:"canister_id"` // base64
				} `json:"default_effective_canister_id"`
			} `json:"topology"`
		}
		Error *struct {
			Message string `json:"message"`
		}
	}
	if err := json.Unmarshal(answer, &w); err != nil {
		return nil, fmt.Errorf("create an instance: %w: %w", ErrAnswer, err)
	}
	switch {
	case w.Error != nil:
		return nil, refusal("/instances", http.StatusOK, []byte(w.Error.Message))
	case w.Created == nil || w.Created.ID == nil:
		return nil, fmt.Errorf("create an instance: %w: it has no id", ErrAnswer)
	}
	i := &Instance{id: *w.Created.ID}
	var err error
	if i.Default, err = principal.FromBytes(w.Created.Topology.Default.ID); err != nil {
		return nil, fmt.Errorf("create an instance: %w: default canister id: %w", ErrAnswer, err)
	}
	return i, nil
}

func (i *Instance) path(rest string) string {
	return "/instances/" + strconv.FormatUint(i.id, 10) + rest
}

// URL is where the instance serves the HTTP interface of networks.
func (i *Instance) URL() string { return i.server.url + i.path("") }

// AutoProgress lets rounds run by themselves and time follow the clock.
func (i *Instance) AutoProgress(ctx context.Context) error {
	_, err := i.server.call(ctx, http.MethodPost, i.path("/auto_progress"), struct {
		Delay *uint64 `json:"artificial_delay_ms"`
	}{})
	return err
}

// StopProgress ends AutoProgress.
func (i *Instance) StopProgress(ctx context.Context) error {
	_, err := i.server.call(ctx, http.MethodPost, i.path("/stop_progress"), struct{}{})
	return err
}

// Tick runs one round.
func (i *Instance) Tick(ctx context.Context) error {
	_, err := i.server.call(ctx, http.MethodPost, i.path("/update/tick"), struct {
		Makers *struct{} `json:"blockmakers"`
	}{})
	return err
}

type rawTime struct {
	Nanos *uint64 `json:"nanos_since_epoch"`
}

// Time is the instance's time.
func (i *Instance) Time(ctx context.Context) (time.Time, error) {
	answer, err := i.server.call(ctx, http.MethodGet, i.path("/read/get_time"), nil)
	if err != nil {
		return time.Time{}, err
	}
	var w rawTime
	if err := json.Unmarshal(answer, &w); err != nil {
		return time.Time{}, fmt.Errorf("read the time: %w: %w", ErrAnswer, err)
	}
	if w.Nanos == nil || *w.Nanos > math.MaxInt64 {
		return time.Time{}, fmt.Errorf("read the time: %w: %s", ErrAnswer, answer[:min(len(answer), maxMessage)])
	}
	return time.Unix(0, int64(*w.Nanos)), nil
}

// SetTime sets it, for the rounds after this one.
func (i *Instance) SetTime(ctx context.Context, t time.Time) error {
	nanos := t.UnixNano()
	if nanos < 0 {
		return fmt.Errorf("set the time to %s: it is before 1970", t)
	}
	_, err := i.server.call(ctx, http.MethodPost, i.path("/update/set_time"), rawTime{new(uint64(nanos))})
	return err
}

// Gateway opens a port on loopback that serves the instance's canisters as web sites and its
// HTTP interface. It ends with the server.
func (i *Instance) Gateway(ctx context.Context, port uint16) (url string, err error) {
	type target struct {
		Instance uint64 `json:"PocketIcInstance"`
	}
	config := struct {
		Address string   `json:"ip_addr"`
		Port    *uint16  `json:"port"`
		Forward target   `json:"forward_to"`
		Domains []string `json:"domains"`
	}{"127.0.0.1", nil, target{i.id}, []string{"localhost"}}
	if port != 0 {
		config.Port = &port
	}
	answer, err := i.server.call(ctx, http.MethodPost, "/http_gateway", config)
	if err != nil {
		return "", err
	}
	return parseGateway(answer)
}

func parseGateway(answer []byte) (url string, err error) {
	var w struct {
		Created *struct {
			Port uint16 `json:"port"`
		}
		Error *struct {
			Message string `json:"message"`
		}
	}
	if err := json.Unmarshal(answer, &w); err != nil {
		return "", fmt.Errorf("open a gateway: %w: %w", ErrAnswer, err)
	}
	switch {
	case w.Error != nil:
		return "", refusal("/http_gateway", http.StatusOK, []byte(w.Error.Message))
	case w.Created == nil || w.Created.Port == 0:
		return "", fmt.Errorf("open a gateway: %w: it has no port", ErrAnswer)
	}
	return "http://localhost:" + strconv.Itoa(int(w.Created.Port)), nil
}

// Delete ends the instance.
func (i *Instance) Delete(ctx context.Context) error {
	_, err := i.server.call(ctx, http.MethodDelete, i.path(""), nil)
	return err
}
