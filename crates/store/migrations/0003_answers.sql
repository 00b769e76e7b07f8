-- What was answered to orders that had a key, for a day. A row without a status was begun and not answered.

CREATE TABLE answers (
    id         TEXT   NOT NULL PRIMARY KEY CHECK (id <> ''),
    request    TEXT   NOT NULL,
    asked_at   BIGINT NOT NULL,
    status     BIGINT,
    media_type TEXT,
    location   TEXT,
    body       TEXT
);

CREATE INDEX answers_by_age ON answers (asked_at);
