package manage

import (
	"bytes"
	"encoding/csv"
	"errors"
	"io"
	"slices"
	"strings"
	"unicode/utf8"

	"github.com/guidon-flags/guidon/internal/store"
)

// memberIDs is a list of ids of one sort.
type memberIDs struct {
	by     func(tx store.PersonReader, project int64, id string) ([]store.Person, error)
	values []string
}

func byUUID(tx store.PersonReader, project int64, id string) ([]store.Person, error) {
	p, err := tx.PersonByUUID(project, strings.ToLower(id))
	return []store.Person{p}, err
}

func byDistinctID(tx store.PersonReader, project int64, id string) ([]store.Person, error) {
	p, err := tx.PersonByDistinctID(project, id)
	return []store.Person{p}, err
}

func byEmail(tx store.PersonReader, project int64, id string) ([]store.Person, error) {
	return tx.Persons(store.PersonQuery{Project: project, Email: id, Limit: memberChunk})
}

// Headers of the columns that name persons, lower case.
var (
	uuidHeaders     = []string{"person_id", "person-id", "person .id"}
	distinctHeaders = []string{"distinct_id", "distinct-id"}
	emailHeaders    = []string{"email", "e-mail"}
)

// parseMembers reads the persons that an uploaded file names (7). A file of
// one column without a header that names its sort holds distinct ids from its
// first row on; one of several columns must have such a header.
func parseMembers(data []byte) (memberIDs, error) {
	data = bytes.TrimPrefix(data, []byte("\ufeff"))
	if !utf8.Valid(data) {
		return memberIDs{}, csvError("CSV file encoding is not supported. Please save the file as UTF-8 and try again.")
	}
	r := csv.NewReader(bytes.NewReader(data))
	r.FieldsPerRecord = -1
	r.TrimLeadingSpace = true
	first, err := r.Read()
	if errors.Is(err, io.EOF) {
		return memberIDs{}, csvError("CSV file is empty. Please upload a file with at least one person.")
	}
	if err != nil {
		return memberIDs{}, errCSVFormat()
	}
	ids, column, header := sortOf(first)
	if column < 0 {
		return memberIDs{}, csvError("Multi-column CSV must contain at least one column with a supported ID header: person_id, distinct_id or email.")
	}
	if !header {
		ids.add(first, column)
	}
	for {
		row, err := r.Read()
		if errors.Is(err, io.EOF) {
			break
		}
		if err != nil {
			return memberIDs{}, errCSVFormat()
		}
		ids.add(row, column)
	}
	if len(ids.values) == 0 {
		return memberIDs{}, csvError("CSV file contains no valid person IDs, distinct IDs or emails.")
	}
	return ids, nil
}

// sortOf tells from the first row what a file holds and in which column, −1 if
// none is known, and whether that row is a header.
func sortOf(first []string) (ids memberIDs, column int, header bool) {
	find := func(names []string) int {
		return slices.IndexFunc(first, func(h string) bool { return slices.Contains(names, strings.ToLower(strings.TrimSpace(h))) })
	}
	if i := find(uuidHeaders); i >= 0 {
		return memberIDs{by: byUUID}, i, true
	}
	if i := find(distinctHeaders); i >= 0 && len(first) > 1 {
		return memberIDs{by: byDistinctID}, i, true
	}
	if i := find(emailHeaders); i >= 0 {
		return memberIDs{by: byEmail}, i, true
	}
	if len(first) > 1 {
		return memberIDs{}, -1, false
	}
	return memberIDs{by: byDistinctID}, 0, false
}

// add takes the id out of a row; rows that are too short and empty values are
// skipped.
func (m *memberIDs) add(row []string, column int) {
	if column < len(row) {
		if v := strings.TrimSpace(row[column]); v != "" {
			m.values = append(m.values, v)
		}
	}
}

func csvError(detail string) error { return invalid("csv", "invalid", "%s", detail) }

func errCSVFormat() error {
	return csvError("CSV file format is invalid. Please check the file and try again.")
}
