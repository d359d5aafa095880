package bench

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"net/http"
	"sync"
	"sync/atomic"
	"time"
)

// Load sends requests over a fixed number of connections, each waiting for its
// answer before the next (closed loop): it is for CPU time per request, not
// for latency.
type Load struct {
	Connections int
	Bodies      [][]byte
	client      *http.Client
}

// NewLoad prepares a load.
func NewLoad(connections int, bodies [][]byte) *Load {
	return &Load{Connections: connections, Bodies: bodies, client: &http.Client{
		Transport: &http.Transport{MaxIdleConnsPerHost: connections, DisableCompression: true},
		Timeout:   10 * time.Second,
	}}
}

// Post sends one request and returns the answer, which must be 200.
func (l *Load) Post(ctx context.Context, url string, body []byte) ([]byte, error) {
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, url, bytes.NewReader(body))
	if err != nil {
		return nil, err
	}
	req.Header.Set("Content-Type", "application/json")
	resp, err := l.client.Do(req)
	if err != nil {
		return nil, err
	}
	defer resp.Body.Close()
	answer, err := io.ReadAll(resp.Body)
	if err == nil && resp.StatusCode != http.StatusOK {
		err = fmt.Errorf("%s: %s: %s", url, resp.Status, answer)
	}
	return answer, err
}

// Run sends n requests and returns the server's CPU time per request and the
// rate as seen from here.
func (l *Load) Run(ctx context.Context, p *Process, path string, n int) (perRequest time.Duration, rate float64, err error) {
	before, err := p.CPU()
	if err != nil {
		return 0, 0, err
	}
	began := time.Now()
	var next atomic.Int64
	errs := make(chan error, l.Connections)
	var workers sync.WaitGroup
	for range l.Connections {
		workers.Go(func() {
			for {
				i := int(next.Add(1)) - 1
				if i >= n {
					return
				}
				if _, err := l.Post(ctx, p.URL+path, l.Bodies[i%len(l.Bodies)]); err != nil {
					errs <- err
					return
				}
			}
		})
	}
	workers.Wait()
	took := time.Since(began)
	select {
	case err := <-errs:
		return 0, 0, err
	default:
	}
	after, err := p.CPU()
	if err != nil {
		return 0, 0, err
	}
	return (after - before) / time.Duration(n), float64(n) / took.Seconds(), nil
}
