-- What extraction found, as the JSON that clients read; blob_key is its copy in the blob store.
CREATE TABLE results (
    job_id TEXT PRIMARY KEY REFERENCES jobs (id),
    result TEXT NOT NULL,
    blob_key TEXT,
    created_ms BIGINT NOT NULL
);
