-- hash is the SHA-256 of a random token of 256 bits, in hex; the token itself is shown once and kept nowhere.
CREATE TABLE api_keys (
    id TEXT PRIMARY KEY,
    name TEXT NOT NULL,
    scopes TEXT NOT NULL,
    hash TEXT NOT NULL UNIQUE,
    created_ms BIGINT NOT NULL,
    revoked_ms BIGINT
);
CREATE INDEX api_keys_created ON api_keys (created_ms, id);
