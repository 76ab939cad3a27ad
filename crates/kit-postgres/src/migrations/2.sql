-- Which journal it is, among those that have the same positions: whenever the database may be another than it was
-- before, because its server was started, promoted or restored, a new epoch begins behind this position.
CREATE TABLE epochs (
    number   bigint NOT NULL PRIMARY KEY,
    id       uuid NOT NULL,
    after    bigint NOT NULL,
    -- What `server_identity()` said then.
    identity text COLLATE "C" NOT NULL
);

-- The epoch of the event that a cursor is at; none where it was moved before there were epochs.
ALTER TABLE cursors ADD COLUMN epoch uuid;

-- What tells this database from an older or newer copy of itself. Nothing is copied over a running server, so that it
-- was started at another time says enough where it was stopped; the rest tells of a dump that was loaded into one that
-- runs. What a managed server does not want to say is left out.
CREATE FUNCTION server_identity() RETURNS text LANGUAGE plpgsql STABLE AS $$
DECLARE
    system text := '?';
    timeline text := '?';
BEGIN
    BEGIN
        SELECT system_identifier::text INTO system FROM pg_control_system();
    EXCEPTION WHEN OTHERS THEN NULL;
    END;
    BEGIN
        timeline := substr(pg_walfile_name(pg_current_wal_lsn()), 1, 8);
    EXCEPTION WHEN OTHERS THEN NULL;
    END;
    RETURN concat_ws('/', system, timeline,
        (SELECT oid FROM pg_database WHERE datname = current_database()),
        'baedal.journal'::regclass::oid, pg_relation_filenode('baedal.journal'),
        extract(epoch FROM pg_postmaster_start_time()));
END
$$;

DROP FUNCTION IF EXISTS commit_group;

-- Commits a group: all of it in this one call. What one commit concerns no other of the group concerns.
--
-- It waits until nobody else commits here, and looks only then (each statement sees what was committed before it
-- began; the transaction must be READ COMMITTED). So positions come in commit order and without gaps. Commits that
-- do not fit what is there are left out, and named in `conflicts`; `before` is the journal's last position before.
--
-- The plans are made once, when the tables may be empty, and must be good when they are full: so nothing is joined
-- where the planner could begin at the wrong end, but looked up row by row (LATERAL … OFFSET 0) and found by `ctid`,
-- which under our locks nobody changes.
--
-- Each array is a column of what is to be checked or done; the first of each kind says which commit it belongs to.
CREATE FUNCTION commit_group(
    commits integer,
    -- Streams, and the version each must have.
    s_commit integer[], s_stream text[], s_expected bigint[],
    -- Events, in order.
    e_commit integer[], e_stream text[], e_version bigint[], e_id uuid[], e_kind text[], e_at bigint[],
    e_correlation uuid[], e_command text[], e_origin text[], e_data text[],
    -- Cursors: from where, to where, and of which epochs these positions are.
    c_commit integer[], c_consumer text[], c_source text[], c_shard integer[], c_from bigint[], c_from_epoch uuid[],
    c_to bigint[], c_to_epoch uuid[],
    -- Views to clear.
    v_commit integer[], v_view text[],
    -- Documents: the version it must have, if that matters; whether it begins anew; how often it is written; its
    -- tags, an array as text; and what it is then, if it is any more.
    d_commit integer[], d_view text[], d_id text[], d_expected bigint[], d_anew boolean[], d_writes bigint[],
    d_tags text[], d_body text[],
    -- Jobs: the lease it must have, or whether it must be a dead letter; and what becomes of it: it is what is said
    -- here (`put`), parts of it are (`change`), or it goes (`drop`).
    j_commit integer[], j_kind text[], j_key text[], j_lease uuid[], j_dead boolean[], j_then text[], j_due bigint[],
    j_run_at bigint[], j_attempt integer[], j_error text[], j_payload text[], j_correlation uuid[], j_origin text[],
    -- The lease it has then, and whose all such leases are.
    j_taken uuid[], taker uuid,
    OUT before bigint, OUT conflicts integer[]
) LANGUAGE plpgsql AS $$
DECLARE
    fits boolean[] := array_fill(true, ARRAY[commits]);
    conflict integer;
BEGIN
    -- `Baed`, and the first of its locks.
    PERFORM pg_advisory_xact_lock(1113679204, 1);
    SELECT coalesce(max(position), 0) INTO before FROM journal;

    conflicts := '{}';
    IF cardinality(s_commit) > 0 THEN
        conflicts := ARRAY(
            SELECT s.commit FROM unnest(s_commit, s_stream, s_expected) AS s (commit, stream, expected)
            WHERE s.expected <> coalesce((SELECT max(j.version) FROM journal j WHERE j.stream = s.stream), 0));
    END IF;
    IF cardinality(c_commit) > 0 THEN
        conflicts := conflicts || ARRAY(
            SELECT m.commit
            FROM unnest(c_commit, c_consumer, c_source, c_shard, c_from, c_from_epoch)
                AS m (commit, consumer, source, shard, origin, epoch)
            LEFT JOIN LATERAL (
                SELECT c.position, c.epoch FROM cursors c
                WHERE c.consumer = m.consumer AND c.source = m.source AND c.shard = m.shard OFFSET 0
            ) c ON true
            WHERE m.origin <> coalesce(c.position, 0) OR m.epoch IS DISTINCT FROM c.epoch);
    END IF;
    IF cardinality(d_commit) > 0 THEN
        conflicts := conflicts || ARRAY(
            SELECT w.commit FROM unnest(d_commit, d_view, d_id, d_expected) AS w (commit, view, id, expected)
            WHERE w.expected <> coalesce(
                (SELECT d.version FROM documents d WHERE d.view = w.view AND d.id = w.id), 0));
    END IF;
    IF cardinality(j_commit) > 0 THEN
        -- Leases are taken without our lock: so all that there is of these jobs is locked here, row by row.
        conflicts := conflicts || ARRAY(
            SELECT n.commit FROM unnest(j_commit, j_kind, j_key, j_lease, j_dead) AS n (commit, kind, key, lease, dead)
            LEFT JOIN LATERAL (
                SELECT j.key, j.lease, j.due FROM jobs j WHERE j.kind = n.kind AND j.key = n.key FOR UPDATE
            ) j ON true
            WHERE (n.lease IS NOT NULL AND j.lease IS DISTINCT FROM n.lease)
                OR (n.dead AND (j.key IS NULL OR j.due IS NOT NULL)));
    END IF;
    FOREACH conflict IN ARRAY conflicts LOOP
        fits[conflict] := false;
    END LOOP;

    IF cardinality(e_commit) > 0 THEN
        INSERT INTO journal (position, version, at, id, correlation, stream, kind, command, origin, data)
        SELECT before + row_number() OVER (ORDER BY e.number),
            e.version, e.at, e.id, e.correlation, e.stream, e.kind, e.command, e.origin, e.data
        FROM unnest(e_commit, e_stream, e_version, e_id, e_kind, e_at, e_correlation, e_command, e_origin, e_data)
            WITH ORDINALITY
            AS e (commit, stream, version, id, kind, at, correlation, command, origin, data, number)
        WHERE fits[e.commit];
    END IF;

    IF cardinality(c_commit) > 0 THEN
        INSERT INTO cursors (consumer, source, shard, position, epoch)
        SELECT m.consumer, m.source, m.shard, m.target, m.epoch
        FROM unnest(c_commit, c_consumer, c_source, c_shard, c_to, c_to_epoch)
            AS m (commit, consumer, source, shard, target, epoch)
        WHERE fits[m.commit]
        ON CONFLICT (consumer, source, shard) DO UPDATE SET position = EXCLUDED.position, epoch = EXCLUDED.epoch;
    END IF;

    IF cardinality(v_commit) > 0 THEN
        DELETE FROM documents d WHERE d.view = ANY (ARRAY(
            SELECT v.view FROM unnest(v_commit, v_view) AS v (commit, view) WHERE fits[v.commit]));
        DELETE FROM tags t WHERE t.view = ANY (ARRAY(
            SELECT v.view FROM unnest(v_commit, v_view) AS v (commit, view) WHERE fits[v.commit]));
    END IF;

    IF cardinality(d_commit) > 0 THEN
        -- Most writes leave the tags as they are: only what is different is written.
        WITH written AS MATERIALIZED (
            SELECT w.view, w.id, w.body, w.tags::text[] AS tags, d.place, coalesce(d.tags, '{}') AS had,
                w.writes + CASE WHEN w.anew THEN 0 ELSE coalesce(d.version, 0) END AS version
            FROM unnest(d_commit, d_view, d_id, d_anew, d_writes, d_tags, d_body)
                AS w (commit, view, id, anew, writes, tags, body)
            LEFT JOIN LATERAL (
                SELECT d.ctid AS place, d.version, d.tags FROM documents d
                WHERE d.view = w.view AND d.id = w.id OFFSET 0
            ) d ON true
            WHERE fits[w.commit]
        ), gone AS (
            DELETE FROM documents d WHERE d.ctid = ANY (ARRAY(
                SELECT w.place FROM written w WHERE w.body IS NULL AND w.place IS NOT NULL))
        ), kept AS (
            INSERT INTO documents (version, view, id, tags, body)
            SELECT w.version, w.view, w.id, w.tags, w.body FROM written w WHERE w.body IS NOT NULL
            ON CONFLICT (view, id) DO UPDATE
            SET version = EXCLUDED.version, tags = EXCLUDED.tags, body = EXCLUDED.body
        ), left_behind AS (
            DELETE FROM tags t WHERE t.ctid = ANY (ARRAY(
                SELECT t.place FROM written w
                CROSS JOIN LATERAL (SELECT h.tag FROM unnest(w.had) AS h (tag) WHERE h.tag <> ALL (w.tags)) h
                CROSS JOIN LATERAL (
                    SELECT t.ctid AS place FROM tags t WHERE t.view = w.view AND t.tag = h.tag AND t.id = w.id OFFSET 0
                ) t
                WHERE w.had <> w.tags))
        )
        INSERT INTO tags (view, tag, id)
        SELECT w.view, n.tag, w.id FROM written w CROSS JOIN LATERAL unnest(w.tags) AS n (tag)
        WHERE w.had <> w.tags AND n.tag <> ALL (w.had)
        ON CONFLICT DO NOTHING;
    END IF;

    IF 'drop' = ANY (j_then) THEN
        DELETE FROM jobs j WHERE j.ctid = ANY (ARRAY(
            SELECT j.place FROM unnest(j_commit, j_kind, j_key, j_then) AS n (commit, kind, key, action)
            CROSS JOIN LATERAL (
                SELECT j.ctid AS place FROM jobs j WHERE j.kind = n.kind AND j.key = n.key OFFSET 0
            ) j
            WHERE n.action = 'drop' AND fits[n.commit]));
    END IF;
    IF 'put' = ANY (j_then) OR 'change' = ANY (j_then) THEN
        INSERT INTO jobs (due, run_at, attempt, lease, holder, correlation, kind, key, payload, origin, error)
        SELECT n.due, coalesce(n.run_at, j.run_at), coalesce(n.attempt, j.attempt),
            n.taken, CASE WHEN n.taken IS NOT NULL THEN taker END,
            coalesce(n.correlation, j.correlation), n.kind, n.key,
            coalesce(n.payload, j.payload), coalesce(n.origin, j.origin), coalesce(n.error, j.error)
        FROM unnest(j_commit, j_kind, j_key, j_then, j_due, j_run_at, j_attempt, j_error, j_payload, j_correlation,
                j_origin, j_taken)
            AS n (commit, kind, key, action, due, run_at, attempt, error, payload, correlation, origin, taken)
        LEFT JOIN LATERAL (
            SELECT * FROM jobs j WHERE n.action = 'change' AND j.kind = n.kind AND j.key = n.key OFFSET 0
        ) j ON true
        WHERE n.action IN ('put', 'change') AND fits[n.commit]
        ON CONFLICT (kind, key) DO UPDATE
        SET due = EXCLUDED.due, run_at = EXCLUDED.run_at, attempt = EXCLUDED.attempt, lease = EXCLUDED.lease,
            holder = EXCLUDED.holder, correlation = EXCLUDED.correlation, payload = EXCLUDED.payload,
            origin = EXCLUDED.origin, error = EXCLUDED.error;
    END IF;
END
$$;
