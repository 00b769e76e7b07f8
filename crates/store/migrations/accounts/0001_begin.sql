-- Who may sign in at a server, apart from every journal. Times are microseconds since 1970-01-01T00:00:00Z;
-- of whatever opens something only its SHA-256 is kept, but for the secrets of second factors, which have to
-- be read again.

CREATE TABLE local_users (
    person        TEXT   NOT NULL PRIMARY KEY CHECK (person <> ''),
    password      TEXT   NOT NULL CHECK (password <> ''),
    changed_at    BIGINT NOT NULL,
    second_secret TEXT,
    second_since  BIGINT,
    -- The interval of the last code that was taken: none is taken twice, nor an older one after it.
    second_step   BIGINT
);

CREATE TABLE web_sessions (
    hash       TEXT   NOT NULL PRIMARY KEY CHECK (hash <> ''),
    id         TEXT   NOT NULL UNIQUE CHECK (id <> ''),
    person     TEXT   NOT NULL CHECK (person <> ''),
    way        TEXT   NOT NULL,
    place      TEXT   NOT NULL,
    started_at BIGINT NOT NULL,
    first_at   BIGINT NOT NULL,
    second_at  BIGINT,
    expires_at BIGINT NOT NULL,
    ended_at   BIGINT,
    claims     TEXT
);

CREATE INDEX web_sessions_by_person ON web_sessions (person, started_at);
CREATE INDEX web_sessions_by_age ON web_sessions (expires_at);

CREATE TABLE one_time_links (
    hash       TEXT   NOT NULL PRIMARY KEY CHECK (hash <> ''),
    purpose    TEXT   NOT NULL,
    person     TEXT,
    made_by    TEXT   NOT NULL,
    expires_at BIGINT NOT NULL,
    used_at    BIGINT
);

CREATE TABLE sign_in_attempts (
    key   TEXT   NOT NULL PRIMARY KEY CHECK (key <> ''),
    since BIGINT NOT NULL,
    times BIGINT NOT NULL
);

-- Sign-ins at another place that have not come back yet.
CREATE TABLE sign_ins_under_way (
    hash       TEXT   NOT NULL PRIMARY KEY CHECK (hash <> ''),
    body       TEXT   NOT NULL,
    expires_at BIGINT NOT NULL
);
