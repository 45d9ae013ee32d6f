-- Pages that were taken of monthly caps, each under the name of what they are spent on.
CREATE TABLE spending (
    cap TEXT NOT NULL,
    name TEXT NOT NULL,
    pages INTEGER NOT NULL,
    at INTEGER NOT NULL,
    PRIMARY KEY (cap, name)
) STRICT, WITHOUT ROWID;
