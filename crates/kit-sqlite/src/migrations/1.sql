-- What a context keeps. Times are nanoseconds since 1970 (UTC); ids are UUIDs of 16 bytes.

CREATE TABLE meta (
    key   TEXT NOT NULL PRIMARY KEY,
    value TEXT NOT NULL
) STRICT, WITHOUT ROWID;

-- Never changed, never shortened: positions have no gaps.
CREATE TABLE journal (
    position    INTEGER NOT NULL PRIMARY KEY,
    id          BLOB NOT NULL,
    stream      TEXT NOT NULL,
    version     INTEGER NOT NULL,
    kind        TEXT NOT NULL,
    at          INTEGER NOT NULL,
    correlation BLOB,
    command     TEXT NOT NULL,
    origin      TEXT NOT NULL,
    data        BLOB NOT NULL
) STRICT;
CREATE UNIQUE INDEX journal_streams ON journal (stream, version);

CREATE TABLE cursors (
    consumer TEXT NOT NULL,
    source   TEXT NOT NULL,
    shard    INTEGER NOT NULL,
    position INTEGER NOT NULL,
    PRIMARY KEY (consumer, source, shard)
) STRICT, WITHOUT ROWID;

-- With a number of its own rather than keyed by (view, id): documents of a kilobyte and more are rewritten
-- half as fast where they live inside the key's tree. `tags` is a JSON array, as they were given.
CREATE TABLE documents (
    number  INTEGER NOT NULL PRIMARY KEY,
    view    TEXT NOT NULL,
    id      TEXT NOT NULL,
    version INTEGER NOT NULL,
    tags    TEXT NOT NULL,
    body    BLOB NOT NULL
) STRICT;
CREATE UNIQUE INDEX documents_ids ON documents (view, id);

CREATE TABLE tags (
    view     TEXT NOT NULL,
    tag      TEXT NOT NULL,
    id       TEXT NOT NULL,
    document INTEGER NOT NULL,
    PRIMARY KEY (view, tag, id)
) STRICT, WITHOUT ROWID;

-- `due` is `run_at`, or when the lease runs out; a dead letter has none.
CREATE TABLE jobs (
    kind        TEXT NOT NULL,
    key         TEXT NOT NULL,
    due         INTEGER,
    lease       BLOB,
    run_at      INTEGER NOT NULL,
    attempt     INTEGER NOT NULL,
    payload     TEXT NOT NULL,
    correlation BLOB,
    origin      TEXT,
    error       TEXT,
    PRIMARY KEY (kind, key)
) STRICT, WITHOUT ROWID;
CREATE INDEX jobs_due ON jobs (due) WHERE due IS NOT NULL;
CREATE INDEX jobs_dead ON jobs (kind, key) WHERE due IS NULL;
