-- Times are microseconds since 1970-01-01T00:00:00Z, spans milliseconds, bodies JSON, truths 0 or 1.

CREATE TABLE identity (
    id      BIGINT NOT NULL PRIMARY KEY CHECK (id = 1),
    project TEXT   NOT NULL CHECK (project <> ''),
    speed   BIGINT NOT NULL CHECK (speed >= 1)
);

-- One row. Each commit changes it on the condition that epoch and turn are still the ones it knows;
-- that fences old owners out, and on PostgreSQL its lock puts committers in a line.
CREATE TABLE head (
    id          BIGINT NOT NULL PRIMARY KEY CHECK (id = 1),
    epoch       BIGINT NOT NULL CHECK (epoch >= 0),
    owned_since BIGINT,
    turn        BIGINT NOT NULL CHECK (turn >= 0),
    seq         BIGINT NOT NULL CHECK (seq >= 0),
    hash        TEXT   NOT NULL
);

CREATE TABLE turns (
    id     TEXT   NOT NULL PRIMARY KEY CHECK (id <> ''),
    number BIGINT NOT NULL,
    seq    BIGINT NOT NULL
);

CREATE TABLE events (
    seq       BIGINT NOT NULL PRIMARY KEY CHECK (seq >= 1),
    at        BIGINT NOT NULL,
    lane      TEXT,
    promotion BIGINT,
    actor     TEXT   NOT NULL,
    kind      TEXT   NOT NULL,
    body      TEXT   NOT NULL,
    hash      TEXT   NOT NULL
);

CREATE TABLE states (
    key     TEXT   NOT NULL PRIMARY KEY CHECK (key <> ''),
    version BIGINT NOT NULL CHECK (version >= 1),
    body    TEXT   NOT NULL
);

CREATE TABLE outbox (
    id    TEXT   NOT NULL PRIMARY KEY CHECK (id <> ''),
    turn  BIGINT NOT NULL,
    place BIGINT NOT NULL,
    lane  TEXT,
    body  TEXT   NOT NULL
);

CREATE TABLE promotions (
    number       BIGINT NOT NULL PRIMARY KEY CHECK (number >= 1),
    lane         TEXT   NOT NULL,
    state        TEXT   NOT NULL,
    ended        BIGINT NOT NULL CHECK (ended IN (0, 1)),
    requested_at BIGINT NOT NULL,
    ended_at     BIGINT,
    body         TEXT   NOT NULL
);

CREATE INDEX promotions_by_lane ON promotions (lane, number);

CREATE TABLE intervals (
    lane       TEXT   NOT NULL,
    deployment BIGINT NOT NULL,
    source     TEXT   NOT NULL,
    began_at   BIGINT NOT NULL,
    width_ms   BIGINT NOT NULL,
    total      BIGINT NOT NULL,
    failed     BIGINT NOT NULL,
    p99_us     BIGINT,
    PRIMARY KEY (lane, began_at, deployment, source)
);

CREATE INDEX intervals_by_age ON intervals (began_at);
