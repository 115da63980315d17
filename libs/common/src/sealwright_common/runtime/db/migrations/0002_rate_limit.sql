-- How far ahead of its rate each limited caller is; see ratelimit.py. Losing it in a crash costs one burst: not logged.
create unlogged table rate_limit (
    key     text        primary key,  -- rate class and caller
    arrival timestamptz not null      -- theoretical arrival time of the next call (GCRA)
) with (fillfactor = 50, autovacuum_vacuum_scale_factor = 0, autovacuum_vacuum_threshold = 2000);
