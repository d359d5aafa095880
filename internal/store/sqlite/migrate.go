package sqlite

import (
	"context"
	"database/sql"
	"embed"
	"fmt"
	"io/fs"

	"github.com/pressly/goose/v3"
)

//go:embed migrations/*.sql
var migrations embed.FS

// migrate brings the database to the newest schema if it may write, and
// otherwise only looks whether it is there. A database that is newer than this
// program is refused.
func migrate(ctx context.Context, db *sql.DB, write bool) error {
	files, err := fs.Sub(migrations, "migrations")
	if err != nil {
		return err
	}
	// The provider registers nothing globally and is silent.
	p, err := goose.NewProvider(goose.DialectSQLite3, db, files,
		goose.WithTableName("schema_versions"), goose.WithDisableGlobalRegistry(true), goose.WithLogger(goose.NopLogger()))
	if err != nil {
		return err
	}
	have, want, err := p.GetVersions(ctx)
	if err != nil {
		return fmt.Errorf("read the schema version: %w", translate(err))
	}
	if have > want {
		return fmt.Errorf("the database has schema version %d, this program knows %d: start a newer guidon, or restore a backup from before the upgrade", have, want)
	}
	if have < want && !write {
		return fmt.Errorf("the database has schema version %d, this program needs %d: start the server of this version once", have, want)
	}
	if _, err := p.Up(ctx); err != nil {
		return fmt.Errorf("migrate the schema: %w", translate(err))
	}
	return nil
}
