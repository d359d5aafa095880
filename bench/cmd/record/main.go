// Command record measures the server beside the bare one and prints the figures
// of bench/results. Run it by `make bench`.
package main

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"flag"
	"fmt"
	"io"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"slices"
	"time"

	"github.com/guidon-flags/guidon/bench"
)

const (
	token = "phc_bench0token0of0the0project0under0test000000"
	key   = "phx_benchPersonalKeyOfTheAdministrator0000000000"
)

func main() {
	binary := flag.String("binary", "../bin/guidon", "the server")
	flags := flag.Int("flags", 100, "flags in the project")
	rounds := flag.Int("rounds", 7, "rounds of each server")
	requests := flag.Int("requests", 20000, "requests a round")
	connections := flag.Int("connections", 8, "connections")
	flag.Parse()
	ctx, cancel := context.WithTimeout(context.Background(), 20*time.Minute)
	defer cancel()
	if err := run(ctx, *binary, *flags, *rounds, *requests, *connections); err != nil {
		fmt.Fprintln(os.Stderr, "record:", err)
		os.Exit(1)
	}
}

func run(ctx context.Context, binary string, flags, rounds, requests, connections int) (err error) {
	dir, err := os.MkdirTemp("", "guidon-bench")
	if err != nil {
		return err
	}
	defer os.RemoveAll(dir)

	guidon, err := bench.Start(ctx, []string{"GUIDON_BOOTSTRAP_PROJECT_TOKEN=" + token, "GUIDON_BOOTSTRAP_PERSONAL_KEY=" + key},
		binary, "serve", "--listen", "127.0.0.1:0", "--admin-listen", "127.0.0.1:0", "--data", filepath.Join(dir, "data"))
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, guidon.Stop()) }()
	for _, f := range bench.Flags(flags, 1) {
		if err := create(ctx, guidon.URL, f); err != nil {
			return err
		}
	}

	bodies := make([][]byte, 1000)
	for i := range bodies {
		bodies[i] = bench.Body(token, i)
	}
	const path = "/flags/?v=2"
	load := bench.NewLoad(connections, bodies)
	answer, err := load.Post(ctx, guidon.URL+path, bodies[0])
	if err != nil {
		return err
	}
	bare, err := startBare(ctx, dir, answer)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, bare.Stop()) }()

	fmt.Printf("%s, %d cores, %s; %d flags, request %d bytes, answer %d bytes, %d connections, %d requests a round\n",
		runtime.Version(), runtime.NumCPU(), cpuModel(), flags, len(bodies[0]), len(answer), connections, requests)
	var ratios []float64
	for i := range rounds + 1 {
		g, grate, err := load.Run(ctx, guidon, path, requests)
		if err != nil {
			return err
		}
		b, brate, err := load.Run(ctx, bare, path, requests)
		if err != nil {
			return err
		}
		if i == 0 {
			continue // warm-up
		}
		ratio := float64(g) / float64(b)
		ratios = append(ratios, ratio)
		fmt.Printf("round %d: guidon %6.1f µs CPU a request (%.0f/s), bare %6.1f µs (%.0f/s), ratio %.2f\n",
			i, micros(g), grate, micros(b), brate, ratio)
	}
	slices.Sort(ratios)
	memory, err := guidon.Resident()
	if err != nil {
		return err
	}
	fmt.Printf("ratio: median %.2f, least %.2f, greatest %.2f; guidon resident %d MB\n",
		ratios[len(ratios)/2], ratios[0], ratios[len(ratios)-1], memory>>20)
	return nil
}

func micros(d time.Duration) float64 { return float64(d) / float64(time.Microsecond) }

func startBare(ctx context.Context, dir string, answer []byte) (*bench.Process, error) {
	file := filepath.Join(dir, "answer.json")
	if err := os.WriteFile(file, answer, 0o600); err != nil {
		return nil, err
	}
	binary := filepath.Join(dir, "bare")
	build := exec.CommandContext(ctx, "go", "build", "-o", binary, "./cmd/bare")
	build.Stderr = os.Stderr
	if err := build.Run(); err != nil {
		return nil, fmt.Errorf("build the bare server: %w", err)
	}
	return bench.Start(ctx, nil, binary, "-answer", file)
}

func create(ctx context.Context, url string, f bench.Flag) error {
	raw, err := json.Marshal(f)
	if err != nil {
		return err
	}
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, url+"/api/projects/1/feature_flags/", bytes.NewReader(raw))
	if err != nil {
		return err
	}
	req.Header.Set("Authorization", "Bearer "+key)
	req.Header.Set("Content-Type", "application/json")
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		return err
	}
	defer resp.Body.Close()
	answer, err := io.ReadAll(resp.Body)
	if err == nil && resp.StatusCode != http.StatusCreated {
		err = fmt.Errorf("create %s: %s: %s", f.Key, resp.Status, answer)
	}
	return err
}

// cpuModel names the processor, as far as the system tells.
func cpuModel() string {
	raw, err := os.ReadFile("/proc/cpuinfo")
	if err != nil {
		return runtime.GOARCH
	}
	for line := range bytes.Lines(raw) {
		if name, value, ok := bytes.Cut(line, []byte(":")); ok && bytes.Equal(bytes.TrimSpace(name), []byte("model name")) {
			return string(bytes.TrimSpace(value))
		}
	}
	return runtime.GOARCH
}
