-- Times are microseconds since 1970.

-- Messages of all queues. `receipt` names the last delivery; NULL while nobody has had it since it was sent,
-- released or moved.
CREATE TABLE messages (
    id INTEGER PRIMARY KEY AUTOINCREMENT,
    queue TEXT NOT NULL,
    dead INTEGER NOT NULL,
    visible_at INTEGER NOT NULL,
    sent_at INTEGER NOT NULL,
    receives INTEGER NOT NULL DEFAULT 0,
    receipt TEXT,
    body TEXT NOT NULL
) STRICT;
CREATE INDEX messages_due ON messages (queue, dead, visible_at, id);

-- Jobs: the body is the truth, the columns are for searching.
CREATE TABLE jobs (
    id TEXT NOT NULL PRIMARY KEY,
    bucket TEXT NOT NULL,
    key TEXT NOT NULL,
    schema INTEGER NOT NULL,
    revision INTEGER NOT NULL,
    state TEXT NOT NULL,
    reason TEXT,
    sequencer TEXT,
    uploaded_at INTEGER NOT NULL,
    created_at INTEGER NOT NULL,
    updated_at INTEGER NOT NULL,
    body TEXT NOT NULL
) STRICT;
CREATE INDEX jobs_newest ON jobs (created_at, id);
CREATE INDEX jobs_of_key ON jobs (bucket, key);
CREATE INDEX jobs_still ON jobs (state, updated_at);

-- Who works on which content, or whose run holds its result.
CREATE TABLE contents (
    name TEXT NOT NULL PRIMARY KEY,
    job TEXT NOT NULL,
    run INTEGER NOT NULL,
    until INTEGER NOT NULL,
    finished INTEGER NOT NULL
) STRICT;

-- Runs that one cause failed, by hour.
CREATE TABLE tallies (
    cause TEXT NOT NULL,
    window INTEGER NOT NULL,
    job TEXT NOT NULL,
    run INTEGER NOT NULL,
    place INTEGER NOT NULL,
    key TEXT NOT NULL,
    PRIMARY KEY (cause, window, job, run)
) STRICT, WITHOUT ROWID;
CREATE INDEX tallies_by_place ON tallies (cause, window, place);

-- Bodies of objects: here when small, else in a file of this name below objects/.
CREATE TABLE uploads (
    bucket TEXT NOT NULL,
    key TEXT NOT NULL,
    version TEXT NOT NULL,
    size INTEGER NOT NULL,
    sequencer TEXT NOT NULL,
    uploaded_at INTEGER NOT NULL,
    tags TEXT NOT NULL DEFAULT '{}',
    body BLOB,
    file TEXT,
    PRIMARY KEY (bucket, key, version)
) STRICT;
CREATE INDEX uploads_newest ON uploads (sequencer);
CREATE TABLE artifacts (
    key TEXT NOT NULL PRIMARY KEY,
    size INTEGER NOT NULL,
    body BLOB,
    file TEXT
) STRICT;

CREATE TABLE gates (
    gate TEXT NOT NULL PRIMARY KEY,
    closed_until INTEGER NOT NULL DEFAULT 0,
    -- When the next pass is due at the set rate.
    next_at INTEGER NOT NULL DEFAULT 0
) STRICT;
CREATE TABLE leases (
    id TEXT NOT NULL PRIMARY KEY,
    gate TEXT NOT NULL,
    until INTEGER NOT NULL
) STRICT;
CREATE INDEX leases_of_gate ON leases (gate, until);

CREATE TABLE subscriptions (
    id TEXT NOT NULL PRIMARY KEY,
    kind TEXT NOT NULL,
    address TEXT NOT NULL,
    prefix TEXT NOT NULL,
    audience TEXT NOT NULL,
    created_at INTEGER NOT NULL,
    body TEXT NOT NULL,
    UNIQUE (kind, address, prefix, audience)
) STRICT;

-- What was published. The row stays, so that publishing again tells nobody twice; the body goes when all have it.
CREATE TABLE notifications (
    seq INTEGER PRIMARY KEY AUTOINCREMENT,
    id TEXT NOT NULL,
    channel TEXT NOT NULL,
    published_at INTEGER NOT NULL,
    body TEXT,
    UNIQUE (id, channel)
) STRICT;
CREATE TABLE deliveries (
    id INTEGER PRIMARY KEY AUTOINCREMENT,
    notification INTEGER NOT NULL REFERENCES notifications (seq),
    kind TEXT NOT NULL,
    endpoint TEXT NOT NULL,
    state TEXT NOT NULL DEFAULT 'pending',
    attempts INTEGER NOT NULL DEFAULT 0,
    due_at INTEGER NOT NULL,
    created_at INTEGER NOT NULL,
    last_error TEXT,
    UNIQUE (notification, endpoint)
) STRICT;
CREATE INDEX deliveries_due ON deliveries (state, kind, due_at);

-- Which job wrote the files of a name in results/.
CREATE TABLE result_files (
    path TEXT NOT NULL PRIMARY KEY,
    bucket TEXT NOT NULL,
    key TEXT NOT NULL,
    job TEXT NOT NULL,
    run INTEGER NOT NULL
) STRICT;
CREATE INDEX result_files_of_key ON result_files (bucket, key);

-- Files of inboxes that were taken, so that an untouched one is not read again.
CREATE TABLE inbox_files (
    path BLOB NOT NULL PRIMARY KEY,
    key TEXT NOT NULL,
    size INTEGER NOT NULL,
    modified_ns INTEGER NOT NULL,
    version TEXT NOT NULL
) STRICT;
