-- What figures are counted from, what was refused, and which notices arrived: few of all events, and looked for by name over months.
-- Whoever looks for one of them says its name in the text of the query, or this is not used.
CREATE INDEX events_counted ON events (kind, seq, at, promotion)
    WHERE kind = 'order-refused' OR kind = 'condemned' OR kind = 'return-ordered'
    OR kind = 'traffic-returned' OR kind = 'approval-given' OR kind = 'instances-ready'
    OR kind = 'weight-ordered' OR kind = 'commit-ordered' OR kind = 'notice-delivered';
