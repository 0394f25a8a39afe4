-- The first answer to a request that carried an Idempotency-Key, so that its repetition gets the same one.
CREATE TABLE idempotency_keys (
    client TEXT NOT NULL,
    idempotency_key TEXT NOT NULL,
    request_hash TEXT NOT NULL,
    response TEXT NOT NULL,
    job_id TEXT,
    created_ms BIGINT NOT NULL,
    PRIMARY KEY (client, idempotency_key)
);
CREATE INDEX idempotency_keys_created ON idempotency_keys (created_ms);
CREATE INDEX idempotency_keys_job ON idempotency_keys (job_id) WHERE job_id IS NOT NULL;
