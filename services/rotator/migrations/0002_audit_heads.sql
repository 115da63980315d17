-- Heads of the services' audit logs, as they told them, signed with a key of the rotator's own issuer. Two of one service and
-- row with different hashes both stay: they show that a log was changed.
create table service_audit_head (
    service text        not null,
    seq     bigint      not null,
    hash    bytea       not null,
    time    timestamptz not null,
    jws     text        not null default '',  -- empty until it is signed
    primary key (service, seq, hash)
);
create index service_audit_head_unsigned on service_audit_head (time) where jws = '';
