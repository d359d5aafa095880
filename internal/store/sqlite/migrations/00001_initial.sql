-- Times are microseconds since 1970 in UTC, booleans 0 or 1, documents and
-- lists JSON text. Narrow tables addressed by text are WITHOUT ROWID; wide
-- ones are not, since a clustered index with long rows has a poor fan-out.
-- Ids come from AUTOINCREMENT: an id is never given twice.

-- +goose Up
CREATE TABLE changes (
    revision   INTEGER PRIMARY KEY AUTOINCREMENT,
    project_id INTEGER NOT NULL,
    kind       INTEGER NOT NULL,
    at         INTEGER NOT NULL
);

CREATE TABLE organizations (
    id         TEXT PRIMARY KEY,
    name       TEXT NOT NULL,
    slug       TEXT NOT NULL,
    created_at INTEGER NOT NULL,
    updated_at INTEGER NOT NULL
) WITHOUT ROWID;

CREATE TABLE projects (
    id                 INTEGER PRIMARY KEY AUTOINCREMENT,
    uuid               TEXT NOT NULL,
    organization_id    TEXT REFERENCES organizations (id),
    name               TEXT NOT NULL,
    token              TEXT NOT NULL UNIQUE,
    secret_hash        TEXT NOT NULL,
    secret_backup_hash TEXT NOT NULL,
    time_zone          TEXT NOT NULL,
    matching_version   INTEGER NOT NULL,
    personless_only    INTEGER NOT NULL,
    settings           TEXT NOT NULL,
    created_at         INTEGER NOT NULL,
    updated_at         INTEGER NOT NULL
);
CREATE INDEX projects_organization ON projects (organization_id);

CREATE TABLE flags (
    id                   INTEGER PRIMARY KEY AUTOINCREMENT,
    project_id           INTEGER NOT NULL REFERENCES projects (id) ON DELETE CASCADE,
    key                  TEXT NOT NULL,
    name                 TEXT NOT NULL,
    filters              TEXT NOT NULL,
    active               INTEGER NOT NULL,
    archived             INTEGER NOT NULL,
    deleted              INTEGER NOT NULL,
    version              INTEGER NOT NULL,
    continuity           INTEGER,
    enriched_analytics   INTEGER,
    remote_configuration INTEGER,
    encrypted_payloads   INTEGER,
    runtime              TEXT NOT NULL,
    bucketing_identifier TEXT NOT NULL,
    tags                 TEXT NOT NULL,
    contexts             TEXT NOT NULL,
    creation_context     TEXT NOT NULL,
    has_experiment       INTEGER NOT NULL,
    created_by           INTEGER NOT NULL,
    modified_by          INTEGER NOT NULL,
    created_at           INTEGER NOT NULL,
    updated_at           INTEGER NOT NULL,
    last_called_at       INTEGER
);
CREATE INDEX flags_project ON flags (project_id);
-- A deleted flag does not hold its key.
CREATE UNIQUE INDEX flags_live_key ON flags (project_id, key) WHERE deleted = 0;

-- One row for each insert and update of a flag. record holds the row as JSON
-- so that a version outlives changes of the flags table; filters stays apart,
-- byte for byte.
CREATE TABLE flag_versions (
    flag_id       INTEGER NOT NULL REFERENCES flags (id) ON DELETE CASCADE,
    version       INTEGER NOT NULL,
    author_id     INTEGER NOT NULL,
    author_reason TEXT NOT NULL,
    at            INTEGER NOT NULL,
    filters       TEXT NOT NULL,
    record        TEXT NOT NULL,
    PRIMARY KEY (flag_id, version)
);

CREATE TABLE cohorts (
    id            INTEGER PRIMARY KEY AUTOINCREMENT,
    project_id    INTEGER NOT NULL REFERENCES projects (id) ON DELETE CASCADE,
    name          TEXT NOT NULL,
    description   TEXT NOT NULL,
    static        INTEGER NOT NULL,
    kind          TEXT NOT NULL,
    filters       TEXT,
    groups        TEXT,
    deleted       INTEGER NOT NULL,
    count         INTEGER,
    calculating   INTEGER NOT NULL,
    errors_count  INTEGER NOT NULL,
    created_by    INTEGER NOT NULL,
    created_at    INTEGER NOT NULL,
    updated_at    INTEGER NOT NULL,
    last_computed INTEGER
);
CREATE INDEX cohorts_project ON cohorts (project_id);

CREATE TABLE early_access_features (
    id                TEXT PRIMARY KEY,
    project_id        INTEGER NOT NULL REFERENCES projects (id) ON DELETE CASCADE,
    flag_id           INTEGER REFERENCES flags (id) ON DELETE SET NULL,
    name              TEXT NOT NULL,
    description       TEXT NOT NULL,
    stage             TEXT NOT NULL,
    documentation_url TEXT NOT NULL,
    payload           TEXT NOT NULL,
    created_at        INTEGER NOT NULL
);
CREATE INDEX early_access_features_project ON early_access_features (project_id, created_at);
CREATE INDEX early_access_features_flag ON early_access_features (flag_id);

CREATE TABLE group_types (
    project_id    INTEGER NOT NULL REFERENCES projects (id) ON DELETE CASCADE,
    type_index    INTEGER NOT NULL,
    name          TEXT NOT NULL,
    name_singular TEXT NOT NULL,
    name_plural   TEXT NOT NULL,
    created_at    INTEGER NOT NULL,
    PRIMARY KEY (project_id, type_index),
    UNIQUE (project_id, name)
) WITHOUT ROWID;

CREATE TABLE groups (
    project_id INTEGER NOT NULL,
    type_index INTEGER NOT NULL,
    key        TEXT NOT NULL,
    properties TEXT NOT NULL,
    created_at INTEGER NOT NULL,
    version    INTEGER NOT NULL,
    PRIMARY KEY (project_id, type_index, key),
    FOREIGN KEY (project_id, type_index) REFERENCES group_types (project_id, type_index) ON DELETE CASCADE
);

CREATE TABLE persons (
    id           INTEGER PRIMARY KEY AUTOINCREMENT,
    project_id   INTEGER NOT NULL REFERENCES projects (id) ON DELETE CASCADE,
    uuid         TEXT NOT NULL,
    properties   TEXT NOT NULL,
    identified   INTEGER NOT NULL,
    created_at   INTEGER NOT NULL,
    last_seen_at INTEGER,
    version      INTEGER NOT NULL,
    UNIQUE (project_id, uuid)
);
CREATE INDEX persons_project ON persons (project_id, id);
CREATE INDEX persons_email ON persons (project_id, json_extract(properties, '$.email'))
    WHERE json_extract(properties, '$.email') IS NOT NULL;

-- position orders the ids of a person, oldest first.
CREATE TABLE distinct_ids (
    project_id  INTEGER NOT NULL,
    distinct_id TEXT NOT NULL,
    person_id   INTEGER NOT NULL REFERENCES persons (id) ON DELETE CASCADE,
    position    INTEGER NOT NULL,
    PRIMARY KEY (project_id, distinct_id)
) WITHOUT ROWID;
CREATE INDEX distinct_ids_person ON distinct_ids (person_id, position);

-- Distinct ids that were used without a person.
CREATE TABLE personless_ids (
    project_id  INTEGER NOT NULL REFERENCES projects (id) ON DELETE CASCADE,
    distinct_id TEXT NOT NULL,
    used        INTEGER NOT NULL,
    merged      INTEGER NOT NULL,
    PRIMARY KEY (project_id, distinct_id)
) WITHOUT ROWID;

CREATE TABLE hash_key_overrides (
    person_id  INTEGER NOT NULL REFERENCES persons (id) ON DELETE CASCADE,
    flag_key   TEXT NOT NULL,
    project_id INTEGER NOT NULL,
    hash_key   TEXT NOT NULL,
    PRIMARY KEY (person_id, flag_key)
) WITHOUT ROWID;

CREATE TABLE cohort_members (
    person_id INTEGER NOT NULL REFERENCES persons (id) ON DELETE CASCADE,
    cohort_id INTEGER NOT NULL REFERENCES cohorts (id) ON DELETE CASCADE,
    PRIMARY KEY (person_id, cohort_id)
) WITHOUT ROWID;
CREATE INDEX cohort_members_cohort ON cohort_members (cohort_id, person_id);

CREATE TABLE users (
    id            INTEGER PRIMARY KEY AUTOINCREMENT,
    uuid          TEXT NOT NULL,
    distinct_id   TEXT NOT NULL,
    email         TEXT NOT NULL,
    email_folded  TEXT NOT NULL UNIQUE,
    first_name    TEXT NOT NULL,
    last_name     TEXT NOT NULL,
    password_hash TEXT NOT NULL,
    active        INTEGER NOT NULL,
    created_at    INTEGER NOT NULL
);

CREATE TABLE memberships (
    organization_id TEXT NOT NULL REFERENCES organizations (id) ON DELETE CASCADE,
    user_id         INTEGER NOT NULL REFERENCES users (id) ON DELETE CASCADE,
    level           INTEGER NOT NULL,
    joined_at       INTEGER NOT NULL,
    PRIMARY KEY (organization_id, user_id)
) WITHOUT ROWID;
CREATE INDEX memberships_user ON memberships (user_id);

CREATE TABLE personal_keys (
    id                   TEXT PRIMARY KEY,
    user_id              INTEGER NOT NULL REFERENCES users (id) ON DELETE CASCADE,
    label                TEXT NOT NULL,
    hash                 TEXT NOT NULL UNIQUE,
    mask                 TEXT NOT NULL,
    scopes               TEXT NOT NULL,
    scoped_projects      TEXT NOT NULL,
    scoped_organizations TEXT NOT NULL,
    created_at           INTEGER NOT NULL,
    last_used_at         INTEGER,
    last_rolled_at       INTEGER
) WITHOUT ROWID;
CREATE INDEX personal_keys_user ON personal_keys (user_id, created_at);

CREATE TABLE project_keys (
    id           TEXT PRIMARY KEY,
    project_id   INTEGER NOT NULL REFERENCES projects (id) ON DELETE CASCADE,
    label        TEXT NOT NULL,
    hash         TEXT NOT NULL UNIQUE,
    mask         TEXT NOT NULL,
    scopes       TEXT NOT NULL,
    created_by   INTEGER NOT NULL,
    created_at   INTEGER NOT NULL,
    last_used_at INTEGER,
    UNIQUE (project_id, label)
) WITHOUT ROWID;

CREATE TABLE activities (
    id            INTEGER PRIMARY KEY AUTOINCREMENT,
    project_id    INTEGER NOT NULL,
    author_id     INTEGER NOT NULL,
    author_reason TEXT NOT NULL,
    scope         TEXT NOT NULL,
    item_id       TEXT NOT NULL,
    activity      TEXT NOT NULL,
    detail        TEXT NOT NULL,
    at            INTEGER NOT NULL
);
CREATE INDEX activities_item ON activities (project_id, scope, item_id, id);

CREATE TABLE warnings (
    id         INTEGER PRIMARY KEY AUTOINCREMENT,
    project_id INTEGER NOT NULL REFERENCES projects (id) ON DELETE CASCADE,
    type       TEXT NOT NULL,
    detail     TEXT NOT NULL,
    at         INTEGER NOT NULL
);
CREATE INDEX warnings_project ON warnings (project_id, id);
