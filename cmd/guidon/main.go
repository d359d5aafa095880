// Command guidon is the feature-flag server and its tools. `guidon --help`
// lists the commands.
package main

import (
	"fmt"
	"io"
	"os"
	"runtime/debug"
	"strings"
	_ "time/tzdata" // zone data for projects' time zones, wherever the binary runs

	"github.com/alecthomas/kong"

	"github.com/guidon-flags/guidon/internal/config"
)

// version is set by the linker.
var version = "dev"

// cli is the command line.
type cli struct {
	Config string `placeholder:"FILE" type:"existingfile" help:"Read settings from FILE, one GUIDON_NAME=value a line."`

	Serve   serveCmd   `cmd:"" help:"Run the server."`
	Eval    evalCmd    `cmd:"" help:"Decide from a definitions file, without a server."`
	Keys    keysCmd    `cmd:"" help:"List, create, roll and delete personal and project keys."`
	Doctor  doctorCmd  `cmd:"" help:"Say what is wrong with an installation, and what to do."`
	Version versionCmd `cmd:"" help:"Print the version."`
}

// terminal is where a command writes for people; tests replace it.
type terminal struct {
	out, err io.Writer
}

func main() {
	os.Exit(run(os.Args[1:], terminal{os.Stdout, os.Stderr}))
}

// run executes one command line and returns its exit status: 0 done, 1 failed,
// 2 the command line cannot be understood.
func run(args []string, term terminal) int {
	if file := configFile(args); file != "" {
		if err := config.LoadFile(file); err != nil {
			fmt.Fprintf(term.err, "guidon: %v\n", err)
			return 2
		}
	}
	status := -1
	var c cli
	parser, err := kong.New(&c,
		kong.Name("guidon"),
		kong.Description("A feature-flag server for PostHog SDKs."),
		kong.DefaultEnvars(strings.TrimSuffix(config.EnvPrefix, "_")),
		kong.Writers(term.out, term.err),
		kong.Exit(func(code int) { status = code }),
		kong.Bind(term),
		kong.UsageOnError(),
		kong.ConfigureHelp(kong.HelpOptions{Compact: true}),
	)
	if err != nil {
		fmt.Fprintf(term.err, "guidon: %v\n", err)
		return 2
	}
	if len(args) == 0 {
		args = []string{"--help"}
	}
	ctx, err := parser.Parse(args)
	if status >= 0 { // --help
		return status
	}
	if err != nil {
		parser.Errorf("%v", err)
		fmt.Fprintln(term.err, "See guidon --help.")
		return 2
	}
	if err := ctx.Run(); err != nil {
		fmt.Fprintf(term.err, "guidon: %v\n", err)
		return 1
	}
	return 0
}

// configFile finds --config before the command line is parsed, since the file
// sets defaults for the parsing.
func configFile(args []string) string {
	for i, a := range args {
		if v, ok := strings.CutPrefix(a, "--config="); ok {
			return v
		}
		if a == "--config" && i+1 < len(args) {
			return args[i+1]
		}
	}
	return os.Getenv(config.EnvPrefix + "CONFIG")
}

type versionCmd struct{}

// Run prints the version, and the toolchain and commit if they are known.
func (versionCmd) Run(term terminal) error {
	fmt.Fprintf(term.out, "guidon %s", version)
	if info, ok := debug.ReadBuildInfo(); ok {
		fmt.Fprintf(term.out, " (%s", info.GoVersion)
		for _, s := range info.Settings {
			if s.Key == "vcs.revision" {
				fmt.Fprintf(term.out, ", %.12s", s.Value)
			}
		}
		fmt.Fprint(term.out, ")")
	}
	fmt.Fprintln(term.out)
	return nil
}
