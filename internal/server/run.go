package server

import (
	"context"
	"errors"
	"log"
	"log/slog"
	"net"
	"net/http"
	"time"
)

// Time-outs and bounds of connections. Answers are written at once, so that a
// write that takes longer than WriteTimeout has lost its client.
const (
	readHeaderTimeout = 5 * time.Second
	readTimeout       = 15 * time.Second
	writeTimeout      = 30 * time.Second
	idleTimeout       = 120 * time.Second
	maxHeaderBytes    = 64 << 10
)

func (s *Server) newHTTP(h http.Handler) *http.Server {
	return &http.Server{
		Handler:           h,
		ReadHeaderTimeout: readHeaderTimeout,
		ReadTimeout:       readTimeout,
		WriteTimeout:      writeTimeout,
		IdleTimeout:       idleTimeout,
		MaxHeaderBytes:    maxHeaderBytes,
		ErrorLog:          log.New(errorLog{s.opts.Logger}, "", 0),
	}
}

// errorLog takes what net/http has to say of broken connections.
type errorLog struct{ *slog.Logger }

func (l errorLog) Write(b []byte) (int, error) {
	l.Debug("connection", "error", string(b))
	return len(b), nil
}

// Run serves the public and the admin address until ctx ends, then stops
// gracefully (operations 8): it ceases to be ready, goes on answering for
// DrainDelay, stops accepting, and waits for requests under way up to
// StopTimeout. It closes both listeners; admin may be nil.
//
// It returns nil after a complete stop, and an error if serving failed or if
// requests had to be cut off.
func (s *Server) Run(ctx context.Context, public, admin net.Listener) error {
	servers := []*http.Server{s.newHTTP(s.Handler())}
	listeners := []net.Listener{public}
	if admin != nil {
		h := s.newHTTP(s.Admin())
		h.WriteTimeout = 0 // profiles take as long as they are asked to
		servers, listeners = append(servers, h), append(listeners, admin)
	}
	failed := make(chan error, len(servers))
	for i, h := range servers {
		go func() { failed <- h.Serve(listeners[i]) }()
	}
	var err error
	running := len(servers)
	select {
	case err = <-failed:
		running--
	case <-ctx.Done():
		s.Drain()
		time.Sleep(s.opts.DrainDelay)
	}
	err = errors.Join(err, s.shutdown(servers))
	for ; running > 0; running-- {
		if e := <-failed; !errors.Is(e, http.ErrServerClosed) {
			err = errors.Join(err, e)
		}
	}
	return err
}

// shutdown stops all servers, the public one first, so that metrics can be
// read to the end.
func (s *Server) shutdown(servers []*http.Server) error {
	ctx, cancel := context.WithTimeout(context.Background(), s.opts.StopTimeout)
	defer cancel()
	var errs []error
	for _, h := range servers {
		err := h.Shutdown(ctx)
		if err != nil {
			err = errors.Join(err, h.Close())
		}
		errs = append(errs, err)
	}
	return errors.Join(errs...)
}
