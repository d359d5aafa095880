package telemetry

import "github.com/prometheus/client_golang/prometheus"

// Reading is a metric that is asked for when metrics are read.
type Reading struct {
	Name, Help string
	Total      bool // it only rises: a counter, not a gauge
}

// Read makes metrics whose values come from one call of values each time they
// are read, in the order of readings. values may be called concurrently.
func (m *Metrics) Read(readings []Reading, values func() []float64) {
	c := &readingCollector{values: values}
	for _, r := range readings {
		c.descs = append(c.descs, prometheus.NewDesc(r.Name, r.Help, nil, nil))
		kind := prometheus.GaugeValue
		if r.Total {
			kind = prometheus.CounterValue
		}
		c.kinds = append(c.kinds, kind)
	}
	m.registry.MustRegister(c)
}

type readingCollector struct {
	descs  []*prometheus.Desc
	kinds  []prometheus.ValueType
	values func() []float64
}

// Describe implements prometheus.Collector.
func (c *readingCollector) Describe(out chan<- *prometheus.Desc) {
	for _, d := range c.descs {
		out <- d
	}
}

// Collect implements prometheus.Collector.
func (c *readingCollector) Collect(out chan<- prometheus.Metric) {
	for i, v := range c.values() {
		out <- prometheus.MustNewConstMetric(c.descs[i], c.kinds[i], v)
	}
}
