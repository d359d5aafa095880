package sqlite

import (
	"strings"

	"github.com/guidon-flags/guidon/internal/store"
)

const userColumns = `id, uuid, distinct_id, email, first_name, last_name, password_hash, active, created_at`

func scanUser(row scanner) (v store.User, err error) {
	err = row.Scan(&v.ID, &v.UUID, &v.DistinctID, &v.Email, &v.FirstName, &v.LastName, &v.PasswordHash, &v.Active, instant{&v.CreatedAt})
	return v, err
}

func (r reading) User(id int64) (store.User, error) {
	return single(r.unit, scanUser, `SELECT `+userColumns+` FROM users WHERE id = ?`, id)
}

func (r reading) UserByEmail(email string) (store.User, error) {
	return single(r.unit, scanUser, `SELECT `+userColumns+` FROM users WHERE email_folded = ?`, strings.ToLower(email))
}

func (r reading) Users() ([]store.User, error) {
	return list(r.unit, scanUser, `SELECT `+userColumns+` FROM users ORDER BY id`)
}

func (e editing) InsertUser(v store.User) (store.User, error) {
	err := e.insert(`INSERT INTO users (uuid, distinct_id, email, first_name, last_name, password_hash, active, created_at, email_folded)
		VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?) RETURNING id`, userValues(v), &v.ID)
	if err := e.credentials(0, conflict(err, "email")); err != nil {
		return store.User{}, err
	}
	return e.User(v.ID)
}

func (e editing) UpdateUser(v store.User) error {
	err := e.put(`UPDATE users SET uuid = ?, distinct_id = ?, email = ?, first_name = ?, last_name = ?, password_hash = ?, active = ?,
		created_at = ?, email_folded = ? WHERE id = ?`, append(userValues(v), v.ID)...)
	return e.credentials(0, conflict(err, "email"))
}

func userValues(v store.User) []any {
	return []any{v.UUID, v.DistinctID, v.Email, v.FirstName, v.LastName, v.PasswordHash, v.Active, micros(v.CreatedAt), strings.ToLower(v.Email)}
}

const membershipColumns = `organization_id, user_id, level, joined_at`

func scanMembership(row scanner) (m store.Membership, err error) {
	err = row.Scan(&m.OrganizationID, &m.UserID, &m.Level, instant{&m.JoinedAt})
	return m, err
}

func (r reading) Memberships(user int64) ([]store.Membership, error) {
	return list(r.unit, scanMembership, `SELECT `+membershipColumns+` FROM memberships WHERE user_id = ? ORDER BY joined_at, organization_id`, user)
}

func (r reading) Members(organization string) ([]store.Membership, error) {
	return list(r.unit, scanMembership, `SELECT `+membershipColumns+` FROM memberships WHERE organization_id = ? ORDER BY user_id`, organization)
}

func (e editing) PutMembership(m store.Membership) error {
	_, err := e.exec(`INSERT INTO memberships (`+membershipColumns+`) VALUES (?, ?, ?, ?)
		ON CONFLICT (organization_id, user_id) DO UPDATE SET level = excluded.level, joined_at = excluded.joined_at`,
		m.OrganizationID, m.UserID, m.Level, micros(m.JoinedAt))
	return e.credentials(0, err)
}

func (e editing) DeleteMembership(organization string, user int64) error {
	return e.credentials(0, e.put(`DELETE FROM memberships WHERE organization_id = ? AND user_id = ?`, organization, user))
}
