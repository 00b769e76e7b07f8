-- How long the answers of an interval took, so that a percentile can be taken over many of them: pairs of
-- bucket and count, as JSON. Missing for probes, and for what was kept before.
ALTER TABLE intervals ADD COLUMN latency TEXT;
