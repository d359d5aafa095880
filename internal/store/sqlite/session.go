package sqlite

import (
	"context"
	"database/sql"
	"database/sql/driver"
	"fmt"

	"github.com/guidon-flags/guidon/internal/store"
)

// session is one connection with the statements prepared on it. It belongs to
// one goroutine at a time.
type session struct {
	conn  *sql.Conn
	stmts map[string]*sql.Stmt
}

func newSession(ctx context.Context, db *sql.DB) (*session, error) {
	conn, err := db.Conn(ctx)
	if err != nil {
		return nil, translate(err)
	}
	return &session{conn: conn, stmts: make(map[string]*sql.Stmt)}, nil
}

// close gives the connection back to its pool.
func (s *session) close() error {
	s.closeStatements()
	return s.conn.Close()
}

// discard closes the connection for good.
func (s *session) discard() {
	s.closeStatements()                                          // while there is a connection
	_ = s.conn.Raw(func(any) error { return driver.ErrBadConn }) // how database/sql is told
	_ = s.conn.Close()
}

func (s *session) closeStatements() {
	for _, stmt := range s.stmts {
		_ = stmt.Close() // frees memory; nothing depends on it
	}
	clear(s.stmts)
}

// prepare returns the statement for query. Queries are a fixed set of texts,
// so the map needs no bound.
func (s *session) prepare(ctx context.Context, query string) (*sql.Stmt, error) {
	if stmt, ok := s.stmts[query]; ok {
		return stmt, nil
	}
	stmt, err := s.conn.PrepareContext(ctx, query)
	if err != nil {
		return nil, err
	}
	s.stmts[query] = stmt
	return stmt, nil
}

// run executes a statement that has no parameters and no rows, such as BEGIN.
func (s *session) run(ctx context.Context, query string) error {
	stmt, err := s.prepare(ctx, query)
	if err != nil {
		return translate(err)
	}
	_, err = stmt.ExecContext(ctx)
	return translate(err)
}

// unit is one unit of work on a session: what a function that was given a
// transaction does. The transactions of the contract take no context, so it
// is kept here for as long as the unit lasts.
type unit struct {
	ctx context.Context
	s   *session

	// fault is the first error after which the unit can't be committed. All
	// later calls return it.
	fault error
	// wrote is set once the unit's savepoint exists.
	wrote bool
	// touched are the changes to announce when the unit is committed.
	touched []change
	// revision is the last one that the unit raised, set before its commit.
	revision store.Revision
}

// note remembers a fault and returns err as the contract has it.
func (u *unit) note(err error) error {
	err = translate(err)
	if err != nil && !harmless(err) && !violates(err, unique) && !violates(err, primaryKey) {
		u.fault = err
	}
	return err
}

func (u *unit) statement(query string) (*sql.Stmt, error) {
	if u.fault != nil {
		return nil, u.fault
	}
	stmt, err := u.s.prepare(u.ctx, query)
	if err != nil {
		return nil, u.note(err)
	}
	return stmt, nil
}

// one runs a query for a single row. ErrNotFound if there is none.
func (u *unit) one(query string, args []any, dest ...any) error {
	stmt, err := u.statement(query)
	if err != nil {
		return err
	}
	return u.note(stmt.QueryRowContext(u.ctx, args...).Scan(dest...))
}

// each runs a query and calls scan for every row.
func (u *unit) each(query string, args []any, scan func(row scanner) error) error {
	stmt, err := u.statement(query)
	if err != nil {
		return err
	}
	rows, err := stmt.QueryContext(u.ctx, args...)
	if err != nil {
		return u.note(err)
	}
	defer rows.Close()
	for rows.Next() {
		if err := scan(rows); err != nil {
			return u.note(err)
		}
	}
	return u.note(rows.Err())
}

// exec runs a statement that writes and returns how many rows it changed.
func (u *unit) exec(query string, args ...any) (int64, error) {
	if err := u.save(); err != nil {
		return 0, err
	}
	stmt, err := u.statement(query)
	if err != nil {
		return 0, err
	}
	result, err := stmt.ExecContext(u.ctx, args...)
	if err != nil {
		return 0, u.note(err)
	}
	n, err := result.RowsAffected()
	return n, u.note(err)
}

// put runs a statement that writes one row: ErrNotFound if it changed none.
func (u *unit) put(query string, args ...any) error {
	n, err := u.exec(query, args...)
	if err == nil && n == 0 {
		return translate(sql.ErrNoRows)
	}
	return err
}

// insert runs an INSERT … RETURNING.
func (u *unit) insert(query string, args []any, dest ...any) error {
	if err := u.save(); err != nil {
		return err
	}
	return u.one(query, args, dest...)
}

// save sets the savepoint to which the unit is rolled back if it fails. Units
// that only read have none.
func (u *unit) save() error {
	if u.wrote || u.fault != nil {
		return u.fault
	}
	if err := u.s.run(u.ctx, "SAVEPOINT unit"); err != nil {
		u.fault = err
		return err
	}
	u.wrote = true
	return nil
}

// scanner is a row of a result.
type scanner interface{ Scan(dest ...any) error }

// list runs a query and collects its rows.
func list[T any](u *unit, scan func(row scanner) (T, error), query string, args ...any) ([]T, error) {
	var all []T
	err := u.each(query, args, func(row scanner) error {
		one, err := scan(row)
		if err == nil {
			all = append(all, one)
		}
		return err
	})
	return all, err
}

// single runs a query for one row.
func single[T any](u *unit, scan func(row scanner) (T, error), query string, args ...any) (T, error) {
	var zero T
	stmt, err := u.statement(query)
	if err != nil {
		return zero, err
	}
	one, err := scan(stmt.QueryRowContext(u.ctx, args...))
	if err != nil {
		return zero, u.note(err)
	}
	return one, nil
}

// violated is a fault that the store itself found.
func (u *unit) violated(format string, args ...any) error {
	return u.note(fmt.Errorf(format, args...))
}
