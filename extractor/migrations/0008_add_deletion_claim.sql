-- Set when the deletion of an expired job has begun; such a job cannot be retried any more.
ALTER TABLE jobs ADD COLUMN deleting_ms BIGINT;
CREATE INDEX jobs_deleting ON jobs (finished_ms) WHERE deleting_ms IS NOT NULL;
-- Only jobs that are not final owe messages from now on, so that looking for lost ones costs as much as there are
-- such jobs at most.
DELETE FROM outbox WHERE job_id IN (SELECT id FROM jobs WHERE finished_ms IS NOT NULL);
CREATE INDEX outbox_sent_sends ON outbox (sent_ms, sends, job_id) WHERE sent_ms IS NOT NULL;
DROP INDEX outbox_sent;
