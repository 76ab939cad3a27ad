-- Whose file this is: one row.
CREATE TABLE meta (context TEXT NOT NULL) STRICT;

-- What happened, in commit order. Times are nanoseconds since 1970, ids the bytes of UUIDs.
CREATE TABLE journal (
    position    INTEGER PRIMARY KEY,
    id          BLOB NOT NULL,
    stream      TEXT NOT NULL,
    version     INTEGER NOT NULL,
    kind        TEXT NOT NULL,
    at          INTEGER NOT NULL,
    correlation BLOB,
    command     TEXT NOT NULL,
    origin      BLOB NOT NULL,
    data        BLOB NOT NULL
) STRICT;
CREATE UNIQUE INDEX journal_by_stream ON journal (stream, version);

-- How far each consumer has got in each source.
CREATE TABLE cursors (
    consumer TEXT NOT NULL,
    source   TEXT NOT NULL,
    shard    INTEGER NOT NULL,
    position INTEGER NOT NULL,
    PRIMARY KEY (consumer, source, shard)
) STRICT, WITHOUT ROWID;

-- Views. `tags` is a JSON array of the tags in the table below.
CREATE TABLE documents (
    number  INTEGER PRIMARY KEY,
    view    TEXT NOT NULL,
    id      TEXT NOT NULL,
    version INTEGER NOT NULL,
    tags    TEXT NOT NULL,
    body    BLOB NOT NULL
) STRICT;
CREATE UNIQUE INDEX documents_by_id ON documents (view, id);
CREATE TABLE tags (
    view TEXT NOT NULL,
    tag  TEXT NOT NULL,
    id   TEXT NOT NULL,
    PRIMARY KEY (view, tag, id)
) STRICT, WITHOUT ROWID;

-- Work for later. `due` is when it is to be done, or when the lease on it runs out.
CREATE TABLE jobs (
    kind    TEXT NOT NULL,
    key     TEXT NOT NULL,
    run_at  INTEGER NOT NULL,
    due     INTEGER NOT NULL,
    attempt INTEGER NOT NULL,
    token   BLOB NOT NULL,
    leased  INTEGER NOT NULL,
    dead    INTEGER NOT NULL,
    error   TEXT,
    job     BLOB NOT NULL,
    PRIMARY KEY (kind, key)
) STRICT, WITHOUT ROWID;
CREATE INDEX jobs_by_due ON jobs (due) WHERE dead = 0;
CREATE INDEX jobs_dead ON jobs (kind, key) WHERE dead = 1;
