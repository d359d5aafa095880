package snapshot

import (
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"time"

	"github.com/guidon-flags/guidon/internal/store"
)

// A last good file is a line and a JSON text:
//
//	guidon-definitions 1 <sha256> <revision> <microseconds since 1970>
//	{"Project":…,"Flags":…,"Cohorts":…,"GroupTypes":…}
//
// The sum, in hex, is that of all that follows it. The JSON is
// store.Definitions as encoding/json writes it, documents as base64, without
// the revision. Members that are missing are zero and unknown ones ignored, so
// that fields may come and go within format 1.
const fileMagic = "guidon-definitions 1 "

// lastGood is what a file holds.
type lastGood struct {
	defs store.Definitions
	at   time.Time // when it was read from the store
}

// fileBody is store.Definitions without its revision, which is in the header.
type fileBody struct {
	Project    store.Project
	Flags      []store.Flag
	Cohorts    []store.Cohort
	GroupTypes []store.GroupType
}

func encodeFile(defs *store.Definitions, at time.Time) ([]byte, error) {
	body, err := json.Marshal(fileBody{
		Project: defs.Project, Flags: defs.Flags, Cohorts: defs.Cohorts, GroupTypes: defs.GroupTypes,
	})
	if err != nil {
		return nil, err
	}
	rest := fmt.Appendf(nil, "%d %d\n", defs.Revision, at.UnixMicro())
	rest = append(rest, body...)
	sum := sha256.Sum256(rest)
	return fmt.Appendf(nil, "%s%x %s", fileMagic, sum, rest), nil
}

func decodeFile(text []byte) (lastGood, error) {
	rest, ok := bytes.CutPrefix(text, []byte(fileMagic))
	if !ok {
		return lastGood{}, errors.New("not definitions of format 1")
	}
	sum, rest, _ := bytes.Cut(rest, []byte(" "))
	if got := sha256.Sum256(rest); hex.EncodeToString(got[:]) != string(sum) {
		return lastGood{}, errors.New("its checksum is wrong")
	}
	header, body, _ := bytes.Cut(rest, []byte("\n"))
	var f lastGood
	var micros int64
	if _, err := fmt.Sscanf(string(header), "%d %d", &f.defs.Revision, &micros); err != nil {
		return lastGood{}, fmt.Errorf("header: %w", err)
	}
	var b fileBody
	if err := json.Unmarshal(body, &b); err != nil {
		return lastGood{}, err
	}
	f.at = time.UnixMicro(micros).UTC()
	f.defs.Project, f.defs.Flags, f.defs.Cohorts, f.defs.GroupTypes = b.Project, b.Flags, b.Cohorts, b.GroupTypes
	return f, nil
}
