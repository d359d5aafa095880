module github.com/guidon-flags/guidon/bench

go 1.26.0
