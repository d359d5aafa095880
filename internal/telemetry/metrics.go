package telemetry

import (
	"net/http"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/collectors"
	"github.com/prometheus/client_golang/prometheus/promhttp"
)

// Metrics are those of one node.
type Metrics struct {
	registry *prometheus.Registry

	requests      *Counters // status class, version, library
	durations     *prometheus.HistogramVec
	Faults        *Counters // code: answers with 5xx
	Refusals      *Counters // reason: answers with 401 and 403
	FlagErrors    *Counters // reason: single flags that failed
	Kludges       *Counters // type: odd requests that were answered all the same
	Definitions   prometheus.Counter
	ETags         *Counters // result: hit, miss, none
	PersonReads   prometheus.Counter
	PersonTime    prometheus.Observer // ms
	ReadErrors    prometheus.Counter
	OverrideRows  prometheus.Counter
	OverrideFails prometheus.Counter
	BodyTime      prometheus.Observer // ms
	BodySize      prometheus.Observer // bytes as received
	QueueTime     prometheus.Observer // ms
	InFlight      prometheus.Gauge
	Captured      *Counters // result: events by what came of them
	Panics        prometheus.Counter
	LoadTime      prometheus.Observer // seconds
	LoadErrors    prometheus.Counter
}

// Routes are the values of the label route of durations.
const (
	RouteFlags       = "flags"
	RouteDefinitions = "definitions"
	RouteConfig      = "config"
	RouteCapture     = "capture"
	RouteAPI         = "api"
	RouteOther       = "other"
)

var (
	milliseconds = []float64{.05, .1, .25, .5, 1, 2.5, 5, 10, 25, 50, 100, 250, 500, 1000, 2500, 5000}
	bytes        = prometheus.ExponentialBuckets(256, 4, 8)
	seconds      = []float64{.0005, .001, .0025, .005, .01, .025, .05, .1, .25, .5, 1, 2.5, 5, 10}
)

// NewMetrics returns metrics in a registry of their own, with those of the Go
// runtime and the process.
func NewMetrics() *Metrics {
	r := prometheus.NewRegistry()
	r.MustRegister(collectors.NewGoCollector(),
		collectors.NewProcessCollector(collectors.ProcessCollectorOpts{}))
	f := factory{r}
	return &Metrics{
		registry: r,
		requests: f.counters("flags_requests_total", "Requests by class of status, version of the answer and client library.",
			"status", "version", "library"),
		durations: f.histograms("flags_requests_duration_ms", "Time in the handler.", milliseconds, "route"),
		Faults:    f.counters("flags_request_faults_total", "Answers with a status of 500 and above, by code.", "code"),
		Refusals:  f.counters("flags_token_validation_errors_total", "Answers with 401 and 403, by reason.", "reason"),
		FlagErrors: f.counters("flags_flag_evaluation_error_total", "Flags that could not be computed, by reason.",
			"reason"),
		Kludges:     f.counters("flags_request_kludge_total", "Oddities of requests that were answered all the same.", "type"),
		Definitions: f.counter("flags_flag_definitions_requests_total", "Requests for definitions."),
		ETags:       f.counters("flags_flag_definitions_etag_total", "Requests for definitions by what came of their tag.", "result"),
		PersonReads: f.counter("flags_db_person_and_group_properties_reads_total", "Look-ups of stored persons and groups."),
		PersonTime:  f.histogram("flags_person_query_time", "Time of a look-up of stored data, in ms.", milliseconds),
		ReadErrors:  f.counter("flags_person_query_errors_total", "Look-ups of stored data that failed."),
		OverrideRows: f.counter("flags_flag_hash_key_writes_total",
			"Sticky assignments that were written."),
		OverrideFails: f.counter("flags_flag_hash_key_write_errors_total", "Writes of sticky assignments that failed."),
		BodyTime:      f.histogram("flags_body_read_ms", "Time until the body of a request was there.", milliseconds),
		BodySize:      f.histogram("flags_body_size_bytes", "Size of the body of a request, as received.", bytes),
		QueueTime:     f.histogram("flags_queue_time_ms", "Time from the edge to here, by X-Request-Start.", milliseconds),
		InFlight:      f.gauge("flags_requests_in_flight", "Requests under way."),
		Captured:      f.counters("guidon_captured_events_total", "Events by what came of them.", "result"),
		Panics:        f.counter("guidon_panics_total", "Panics that were contained."),
		LoadTime:      f.histogram("guidon_definitions_load_seconds", "Time to read and compile a project.", seconds),
		LoadErrors:    f.counter("guidon_definitions_load_errors_total", "Projects that could not be read or compiled."),
	}
}

// Handler serves the metrics as Prometheus text.
func (m *Metrics) Handler() http.Handler {
	return promhttp.InstrumentMetricHandler(m.registry, promhttp.HandlerFor(m.registry, promhttp.HandlerOpts{
		EnableOpenMetrics: true,
	}))
}

// Requests returns the counter of requests with a class of status such as
// "2xx", a version of the answer and a client library.
func (m *Metrics) Requests(status, version, library string) prometheus.Counter {
	return m.requests.find(labels{status, version, library}, 3)
}

// Duration returns the histogram of a route, one of the Route constants, in
// milliseconds. Keep it: the look-up is not free.
func (m *Metrics) Duration(route string) prometheus.Observer {
	return m.durations.WithLabelValues(route)
}

// Loaded notes an attempt to load a project.
func (m *Metrics) Loaded(took time.Duration, err error) {
	m.LoadTime.Observe(took.Seconds())
	if err != nil {
		m.LoadErrors.Inc()
	}
}

// LookedUp notes a look-up of stored data.
func (m *Metrics) LookedUp(took time.Duration, err error) {
	m.PersonReads.Inc()
	m.PersonTime.Observe(Milliseconds(took))
	if err != nil {
		m.ReadErrors.Inc()
	}
}

// Overrode notes a write of sticky assignments.
func (m *Metrics) Overrode(rows int, err error) {
	m.OverrideRows.Add(float64(rows))
	if err != nil {
		m.OverrideFails.Inc()
	}
}

// Milliseconds returns d as the histograms in ms want it.
func Milliseconds(d time.Duration) float64 { return float64(d) / float64(time.Millisecond) }

// factory registers what it makes.
type factory struct{ r *prometheus.Registry }

func (f factory) counter(name, help string) prometheus.Counter {
	c := prometheus.NewCounter(prometheus.CounterOpts{Name: name, Help: help})
	f.r.MustRegister(c)
	return c
}

func (f factory) gauge(name, help string) prometheus.Gauge {
	g := prometheus.NewGauge(prometheus.GaugeOpts{Name: name, Help: help})
	f.r.MustRegister(g)
	return g
}

func (f factory) histogram(name, help string, buckets []float64) prometheus.Histogram {
	h := prometheus.NewHistogram(histogramOpts(name, help, buckets))
	f.r.MustRegister(h)
	return h
}

func (f factory) histograms(name, help string, buckets []float64, names ...string) *prometheus.HistogramVec {
	h := prometheus.NewHistogramVec(histogramOpts(name, help, buckets), names)
	f.r.MustRegister(h)
	return h
}

// histogramOpts describes a histogram that is classic and native in one.
func histogramOpts(name, help string, buckets []float64) prometheus.HistogramOpts {
	return prometheus.HistogramOpts{
		Name: name, Help: help, Buckets: buckets,
		NativeHistogramBucketFactor:     1.1,
		NativeHistogramMaxBucketNumber:  160,
		NativeHistogramMinResetDuration: time.Hour,
	}
}

func (f factory) counters(name, help string, names ...string) *Counters {
	vec := prometheus.NewCounterVec(prometheus.CounterOpts{Name: name, Help: help}, names)
	f.r.MustRegister(vec)
	return newCounters(vec)
}
