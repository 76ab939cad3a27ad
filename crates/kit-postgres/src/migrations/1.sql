-- What a context keeps. Times are nanoseconds since 1970 (UTC): `to_timestamp(at / 1e9)` reads well. Text is
-- ordered by its bytes. Text cannot hold U+0000: in keys, names and errors U+0000 is kept as U+0001 U+0001 and
-- U+0001 as U+0001 U+0002, which keeps their order. JSON is kept as text, exactly as it was given.

CREATE TABLE meta (
    key   text COLLATE "C" NOT NULL PRIMARY KEY,
    value text COLLATE "C" NOT NULL
);

-- Never changed, never shortened: positions have no gaps.
CREATE TABLE journal (
    position    bigint NOT NULL PRIMARY KEY,
    version     bigint NOT NULL,
    at          bigint NOT NULL,
    id          uuid NOT NULL,
    correlation uuid,
    stream      text COLLATE "C" NOT NULL,
    kind        text COLLATE "C" NOT NULL,
    command     text COLLATE "C" NOT NULL,
    origin      text COLLATE "C" NOT NULL,
    data        text COLLATE "C" NOT NULL
);
CREATE UNIQUE INDEX journal_streams ON journal (stream, version);

-- Few rows, changed all the time: with room in their pages their indexes need not be touched.
CREATE TABLE cursors (
    consumer text COLLATE "C" NOT NULL,
    source   text COLLATE "C" NOT NULL,
    shard    integer NOT NULL,
    position bigint NOT NULL,
    PRIMARY KEY (consumer, source, shard)
) WITH (fillfactor = 20, autovacuum_vacuum_scale_factor = 0.05);

CREATE TABLE documents (
    version bigint NOT NULL,
    view    text COLLATE "C" NOT NULL,
    id      text COLLATE "C" NOT NULL,
    tags    text[] COLLATE "C" NOT NULL,
    body    text COLLATE "C" NOT NULL,
    PRIMARY KEY (view, id)
) WITH (fillfactor = 80, autovacuum_vacuum_scale_factor = 0.05);

CREATE TABLE tags (
    view text COLLATE "C" NOT NULL,
    tag  text COLLATE "C" NOT NULL,
    id   text COLLATE "C" NOT NULL,
    PRIMARY KEY (view, tag, id)
) WITH (autovacuum_vacuum_scale_factor = 0.05);

-- `due` is `run_at`, or when the lease runs out; a dead letter has none. `holder` is the process that leased it.
CREATE TABLE jobs (
    due         bigint,
    run_at      bigint NOT NULL,
    attempt     integer NOT NULL,
    lease       uuid,
    holder      uuid,
    correlation uuid,
    kind        text COLLATE "C" NOT NULL,
    key         text COLLATE "C" NOT NULL,
    payload     text COLLATE "C" NOT NULL,
    origin      text COLLATE "C",
    error       text COLLATE "C",
    PRIMARY KEY (kind, key)
) WITH (fillfactor = 70, autovacuum_vacuum_scale_factor = 0.05);
CREATE INDEX jobs_due ON jobs (due) WHERE due IS NOT NULL;
CREATE INDEX jobs_dead ON jobs (kind, key) WHERE due IS NULL;
CREATE INDEX jobs_held ON jobs (holder) WHERE holder IS NOT NULL;
