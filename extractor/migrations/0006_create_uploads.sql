-- A promise to take a document that the client puts into the blob store itself.
CREATE TABLE uploads (
    id TEXT PRIMARY KEY,
    client TEXT NOT NULL,
    file_name TEXT NOT NULL,
    content_type TEXT NOT NULL,
    size_bytes BIGINT NOT NULL,
    document_type TEXT NOT NULL,
    blob_key TEXT NOT NULL,
    created_ms BIGINT NOT NULL,
    expires_ms BIGINT NOT NULL,
    job_id TEXT
);
CREATE INDEX uploads_open ON uploads (expires_ms) WHERE job_id IS NULL;
CREATE INDEX uploads_job ON uploads (job_id) WHERE job_id IS NOT NULL;
