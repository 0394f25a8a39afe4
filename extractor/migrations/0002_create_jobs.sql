-- The truth about a job. A message in the queue only says "look at job X".
-- lease_owner and lease_until_ms are set exactly while the state is processing.
CREATE TABLE jobs (
    id TEXT PRIMARY KEY,
    document_id TEXT NOT NULL REFERENCES documents (id),
    document_type TEXT NOT NULL,
    state TEXT NOT NULL CHECK (state IN (
        'queued', 'processing', 'succeeded', 'needs_review', 'failed', 'cancelled', 'dead_lettered'
    )),
    reason TEXT,
    message TEXT,
    attempts BIGINT NOT NULL,
    lease_owner TEXT,
    lease_until_ms BIGINT,
    created_ms BIGINT NOT NULL,
    updated_ms BIGINT NOT NULL,
    started_ms BIGINT,
    finished_ms BIGINT
);
CREATE INDEX jobs_document ON jobs (document_id);
CREATE INDEX jobs_created ON jobs (created_ms, id);
CREATE INDEX jobs_state_created ON jobs (state, created_ms, id);
CREATE INDEX jobs_type_created ON jobs (document_type, created_ms, id);
CREATE INDEX jobs_lease ON jobs (lease_until_ms) WHERE state = 'processing';
CREATE INDEX jobs_finished ON jobs (finished_ms) WHERE finished_ms IS NOT NULL;
