package rest_test

import (
	"fmt"
	"net/http"
	"testing"

	"github.com/guidon-flags/guidon/internal/store"
)

// BenchmarkUpdateFlag changes a flag in a project of 1,000: what a writer keeps
// the others waiting for.
func BenchmarkUpdateFlag(b *testing.B) {
	w := newWorld(b)
	w.edit(func(tx store.Tx) error {
		for i := range 1000 {
			_, err := tx.InsertFlag(store.Flag{
				Project: 1, Key: fmt.Sprintf("flag-%d", i), Active: true, Runtime: "all",
				Filters: []byte(`{"groups":[{"properties":[{"key":"plan","type":"person","operator":"exact","value":["pro"]}],"rollout_percentage":50}]}`),
			})
			if err != nil {
				return err
			}
		}
		return nil
	})
	bodies := map[string]string{
		"name":    `{"name":"n"}`,
		"filters": `{"filters":{"groups":[{"properties":[],"rollout_percentage":50}]}}`,
	}
	for name, body := range bodies {
		b.Run(name, func(b *testing.B) {
			for b.Loop() {
				if rec := w.do(request{method: "PATCH", path: flags(1) + "500/", body: []byte(body)}); rec.Code != http.StatusOK {
					b.Fatal(rec.Code, rec.Body)
				}
			}
		})
	}
	b.Run("list", func(b *testing.B) {
		for b.Loop() {
			if rec := w.do(request{method: "GET", path: flags(1)}); rec.Code != http.StatusOK {
				b.Fatal(rec.Code, rec.Body)
			}
		}
	})
	b.Run("create", func(b *testing.B) {
		n := 0
		for b.Loop() {
			n++
			body := fmt.Sprintf(`{"key":"new-%d","filters":{"groups":[{}]}}`, n)
			if rec := w.do(request{method: "POST", path: flags(1), body: []byte(body)}); rec.Code != http.StatusCreated {
				b.Fatal(rec.Code, rec.Body)
			}
		}
	})
}
