-- Which journal it is, among those that have the same positions: each time the file is opened it may be an older copy
-- of itself, so a new epoch begins, behind this position.
CREATE TABLE epochs (
    number INTEGER NOT NULL PRIMARY KEY,
    id     BLOB NOT NULL,
    after  INTEGER NOT NULL
) STRICT;

-- The epoch of the event that a cursor is at; none where it was moved before there were epochs.
ALTER TABLE cursors ADD COLUMN epoch BLOB;
