package server_test

import (
	"context"
	"io"
	"net"
	"net/http"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/guidon-flags/guidon/internal/server"
)

// running is a node that serves on real connections.
type running struct {
	*node
	url, admin string
	stop       context.CancelFunc
	done       chan error
}

func run(t *testing.T, o nodeOptions) *running {
	t.Helper()
	r := &running{node: newNode(t, o), done: make(chan error, 1)}
	listeners := make([]net.Listener, 2)
	for i := range listeners {
		l, err := net.Listen("tcp", "127.0.0.1:0")
		if err != nil {
			t.Fatal(err)
		}
		listeners[i] = l
	}
	r.url, r.admin = "http://"+listeners[0].Addr().String(), "http://"+listeners[1].Addr().String()
	ctx, cancel := context.WithCancel(context.Background())
	r.stop = cancel
	ended := make(chan struct{})
	go func() {
		defer close(ended)
		r.done <- r.server.Run(ctx, listeners[0], listeners[1])
	}()
	t.Cleanup(func() { cancel(); <-ended })
	return r
}

// client returns a client with connections of its own.
func client(t *testing.T) *http.Client {
	tr := &http.Transport{}
	t.Cleanup(tr.CloseIdleConnections)
	return &http.Client{Transport: tr}
}

// fetch returns the status and whether the connection is to be closed.
func fetch(c *http.Client, method, url, body string) (status int, closing bool, err error) {
	req, err := http.NewRequest(method, url, strings.NewReader(body))
	if err != nil {
		return 0, false, err
	}
	resp, err := c.Do(req)
	if err != nil {
		return 0, false, err
	}
	defer resp.Body.Close()
	_, err = io.Copy(io.Discard, resp.Body)
	return resp.StatusCode, resp.Close, err
}

// Clients that send all the time and heed what the server says lose nothing
// while it stops.
func TestStopFailsNoRequest(t *testing.T) {
	r := run(t, nodeOptions{server: server.Options{DrainDelay: 300 * time.Millisecond}})
	const clients = 8
	var warm, wait sync.WaitGroup
	var served atomic.Int64
	warm.Add(clients)
	for range clients {
		wait.Go(func() {
			c := client(t)
			for i := 0; ; i++ {
				status, closing, err := fetch(c, "POST", r.url+"/flags?v=2", flagsRequest("phc_a"))
				if err != nil || status != http.StatusOK {
					t.Errorf("request %d: %d, %v", i, status, err)
				}
				served.Add(1)
				if i == 20 {
					warm.Done()
				}
				if closing || err != nil {
					return
				}
			}
		})
	}
	warm.Wait()
	r.stop()
	wait.Wait()
	if err := <-r.done; err != nil {
		t.Errorf("Run = %v, want nil", err)
	}
	if n := served.Load(); n < clients*20 {
		t.Errorf("served %d requests", n)
	}
	if _, _, err := fetch(client(t), "GET", r.url+"/_liveness", ""); err == nil {
		t.Error("the address still answers after the stop")
	}
}

// A stopping server ceases to be ready first, goes on answering, and waits for
// what is under way.
func TestStopWaitsForRequestsUnderWay(t *testing.T) {
	entered, release := make(chan struct{}), make(chan struct{})
	r := run(t, nodeOptions{
		server: server.Options{DrainDelay: 200 * time.Millisecond},
		api: http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
			close(entered)
			<-release
			w.WriteHeader(http.StatusNoContent)
		}),
	})
	answered := make(chan int, 1)
	go func() {
		status, _, err := fetch(client(t), "GET", r.url+"/api/slow", "")
		if err != nil {
			t.Error(err)
		}
		answered <- status
	}()
	<-entered
	r.stop()
	c := client(t)
	for {
		status, _, err := fetch(c, "GET", r.url+"/_readiness", "")
		if err != nil {
			t.Fatalf("readiness while draining: %v", err)
		}
		if status == http.StatusServiceUnavailable {
			break
		}
	}
	if status, closing, err := fetch(c, "POST", r.url+"/flags", flagsRequest("phc_a")); err != nil || status != 200 || !closing {
		t.Errorf("a request while draining: %d, closing %v, %v", status, closing, err)
	}
	if status, _, err := fetch(c, "GET", r.admin+"/metrics", ""); err != nil || status != 200 {
		t.Errorf("metrics while draining: %d, %v", status, err)
	}
	close(release)
	if status := <-answered; status != http.StatusNoContent {
		t.Errorf("the request under way got %d, want 204", status)
	}
	if err := <-r.done; err != nil {
		t.Errorf("Run = %v, want nil", err)
	}
}

func TestStopCutsOffWhatTakesTooLong(t *testing.T) {
	entered := make(chan struct{})
	r := run(t, nodeOptions{
		server: server.Options{StopTimeout: 50 * time.Millisecond},
		api: http.HandlerFunc(func(_ http.ResponseWriter, req *http.Request) {
			close(entered)
			<-req.Context().Done()
		}),
	})
	failed := make(chan error, 1)
	go func() {
		_, _, err := fetch(client(t), "GET", r.url+"/api/stuck", "")
		failed <- err
	}()
	<-entered
	r.stop()
	if err := <-r.done; err == nil {
		t.Error("Run = nil, want an error that tells of requests cut off")
	}
	if err := <-failed; err == nil {
		t.Error("the request that was cut off succeeded")
	}
}

func TestRunFailsWithItsListener(t *testing.T) {
	n := newNode(t, nodeOptions{})
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	l.Close()
	if err := n.server.Run(t.Context(), l, nil); err == nil {
		t.Error("Run on a closed listener = nil")
	}
}

// A body that is too large is refused so that the client can read the answer,
// although it is not read to its end.
func TestTooLargeIsAnsweredOnARealConnection(t *testing.T) {
	r := run(t, nodeOptions{})
	body := strings.Repeat("x", 2<<20+1)
	for name, reader := range map[string]io.Reader{"announced": strings.NewReader(body), "chunked": io.MultiReader(strings.NewReader(body))} {
		resp, err := client(t).Post(r.url+"/flags", "application/json", reader)
		if err != nil {
			t.Errorf("%s: %v", name, err)
			continue
		}
		resp.Body.Close()
		if resp.StatusCode != http.StatusRequestEntityTooLarge {
			t.Errorf("%s: %d, want 413", name, resp.StatusCode)
		}
	}
}
