package main

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"os/signal"
	"runtime"
	"runtime/debug"
	"syscall"

	"github.com/guidon-flags/guidon/internal/config"
	"github.com/guidon-flags/guidon/internal/manage"
	"github.com/guidon-flags/guidon/internal/node"
	"github.com/guidon-flags/guidon/internal/store/sqlite"
	"github.com/guidon-flags/guidon/internal/telemetry"
)

type serveCmd struct {
	config.Serve
}

// gcPercent is the garbage collector's target unless the operator sets GOGC.
// Live data is small and requests make little garbage, so that a larger heap
// costs little and spares a tenth of the processor time.
const gcPercent = 400

// Run serves until the process is told to stop.
func (c *serveCmd) Run(term terminal) error {
	if os.Getenv("GOGC") == "" {
		debug.SetGCPercent(gcPercent)
	}
	logger := telemetry.NewLogger(term.err, c.LogFormat, c.Level())
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()

	n, err := node.Start(ctx, node.Options{
		Listen: c.Listen, AdminListen: c.AdminListen, Data: c.Data,
		Sync: sqlite.Sync(c.DatabaseSync), TrustedProxies: c.Prefixes(), Bootstrap: manage.BootstrapOptions(c.Bootstrap),
		NoNoiseFilter: !c.PersonPropertyNoiseFilter, GroupIdentifyCreatesPerson: c.GroupidentifyCreatesPerson,
		StoredDataTimeout: c.StoredDataTimeout, PollInterval: c.PollInterval,
		ShutdownTimeout: c.ShutdownTimeout, DrainDelay: c.DrainDelay,
		Logger: logger,
	})
	if err != nil {
		return explainStart(err)
	}
	logger.Info("started", "version", version, "public", n.URL(), "admin", n.AdminURL(), "data", c.Data,
		"go", runtime.Version(), "processors", runtime.GOMAXPROCS(0))
	if n.StoreError != nil {
		logger.Error("the store cannot be opened; serving the last good definitions", "error", n.StoreError)
	}
	welcome(term, n)
	go func() {
		<-ctx.Done()
		logger.Info("stopping")
		stop() // a second signal ends the process at once
	}()
	err = n.Run(ctx)
	logger.Info("stopped", slog.Any("error", err))
	return err
}

// explainStart adds what to do to the errors that a first user meets.
func explainStart(err error) error {
	if errors.Is(err, syscall.EADDRINUSE) {
		return fmt.Errorf("%w\nAnother program listens there. Stop it, or choose another address with --listen and --admin-listen", err)
	}
	return err
}

// welcome tells a person at the terminal where the server is and, on a first
// start, the keys that cannot be read again.
func welcome(term terminal, n *node.Node) {
	fmt.Fprintf(term.out, "Guidon %s is listening on %s\n", version, n.URL())
	if n.Made == nil {
		return
	}
	v, up := n.Made.Values, n.Made.MadeUp
	fmt.Fprintf(term.out, "\nThis is the first start with this data directory.")
	if up.SecretKey || up.PersonalKey || up.AdminPassword {
		fmt.Fprintf(term.out, " Keep what follows: it is not shown again.")
	}
	fmt.Fprintf(term.out, "\n\n")
	line := func(name, value string, madeUp bool) {
		if !madeUp {
			value = "(as given)"
		}
		fmt.Fprintf(term.out, "  %-16s %s\n", name, value)
	}
	line("project token", v.ProjectToken, true) // public
	line("project secret", v.SecretKey, up.SecretKey)
	line("personal key", v.PersonalKey, up.PersonalKey)
	line("administrator", v.AdminEmail, true)
	line("password", v.AdminPassword, up.AdminPassword)
	fmt.Fprintf(term.out, `
Ask which flags a person gets (there are none yet; the README creates one):

  curl -s '%s/flags/?v=2' -H 'Content-Type: application/json' -d '{"token": "%s", "distinct_id": "user-1"}'

`, n.URL(), v.ProjectToken)
}
