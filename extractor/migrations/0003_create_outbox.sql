-- Messages that are owed to the queue, one row per job, written in the job's own transaction.
-- sent_ms is null while the message is owed; taken_until_ms keeps two relays off the same row.
CREATE TABLE outbox (
    job_id TEXT PRIMARY KEY REFERENCES jobs (id),
    created_ms BIGINT NOT NULL,
    taken_until_ms BIGINT NOT NULL,
    sent_ms BIGINT,
    sends BIGINT NOT NULL
);
CREATE INDEX outbox_unsent ON outbox (created_ms) WHERE sent_ms IS NULL;
CREATE INDEX outbox_sent ON outbox (sent_ms) WHERE sent_ms IS NOT NULL;
