package filters

import (
	"errors"
	"fmt"
	"strconv"
)

// DecodeError says where a v1 document cannot be decoded.
type DecodeError struct {
	Path    string // for example "groups[0].properties[1].type"; empty: the document itself
	Problem string // a phrase, for example "is missing"
}

func (e *DecodeError) Error() string {
	if e.Path == "" {
		return e.Problem
	}
	return e.Path + " " + e.Problem
}

func undecodable(path, format string, args ...any) error {
	return &DecodeError{Path: path, Problem: fmt.Sprintf(format, args...)}
}

// within puts path in front of the place that err names.
func within(path string, err error) error {
	var d *DecodeError
	if errors.As(err, &d) {
		return &DecodeError{Path: join(path, d.Path), Problem: d.Problem}
	}
	return err
}

// join connects a path with the one below it.
func join(path, below string) string {
	switch {
	case path == "" || below == "":
		return path + below
	case below[0] == '[':
		return path + below
	}
	return path + "." + below
}

// index is the path of the ith item of the list at path.
func index(path string, i int) string { return path + "[" + strconv.Itoa(i) + "]" }
