-- A document as it was received. The bytes are in the blob store under blob_key; file_name is a label
-- and never a path. sha256 and content_type are null until somebody has read the bytes.
CREATE TABLE documents (
    id TEXT PRIMARY KEY,
    client TEXT NOT NULL,
    file_name TEXT NOT NULL,
    declared_content_type TEXT NOT NULL,
    content_type TEXT,
    sha256 TEXT,
    size_bytes BIGINT NOT NULL,
    blob_key TEXT NOT NULL,
    document_type TEXT NOT NULL,
    created_ms BIGINT NOT NULL
);
CREATE INDEX documents_sha256 ON documents (sha256);
