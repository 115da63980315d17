-- Time-aware issuers and their keys. Times are timestamptz; windows are half-open; durations are ISO 8601 text because a
-- month has no fixed length.
create table time_aware_issuer (
    id                    uuid        primary key,
    tenant                text        not null,
    issuer_type           text        not null,
    cohorts               smallint[]  not null check (cardinality(cohorts) > 0),
    created_at            timestamptz not null,
    expires_at            timestamptz,           -- null: never
    last_rotated_at       timestamptz,
    valid_from            timestamptz not null,
    max_tokens            integer     not null check (max_tokens > 0),
    buffer                integer     not null check (buffer > 0),
    overlap               integer     not null check (overlap >= 0),
    duration              text        not null,
    mode                  text        not null check (mode in ('WINDOW', 'SPARE')),
    publish_lead          interval    not null,
    algorithm             text        not null,
    purpose               text        not null,
    protection            text        not null,
    verify_for            interval    not null,
    destroy_delay         interval    not null,
    allow_legacy_protocol boolean     not null,
    state                 text        not null,
    version               bigint      not null,
    -- Who creates it: the same request takes an unfinished creation up again.
    created_by            text        not null,
    creation_request_id   text,
    creation_digest       bytea       not null,
    -- When something is to be done; null: never again. A claim moves it on by the lease.
    due_at                timestamptz,
    failures              integer     not null default 0,
    unique (tenant, issuer_type)
);
create index time_aware_issuer_due on time_aware_issuer (due_at) where due_at is not null;

create table time_aware_keys (
    id                   uuid        primary key,
    time_aware_issuer_id uuid        not null references time_aware_issuer (id),
    created_at           timestamptz not null,
    start_at             timestamptz not null,
    end_at               timestamptz not null,
    signing_key          text        unique,     -- key id in the signer; null until made. Never key material.
    public_key           bytea,
    cohort               smallint    not null,
    slot                 bigint      not null check (slot >= 0),
    state                text        not null,
    version              bigint      not null,
    batch                uuid        not null,   -- slots planned together; names the call that makes their keys
    published_at         timestamptz,
    activated_at         timestamptz,
    retired_at           timestamptz,
    compromised_at       timestamptz,
    verify_until         timestamptz,
    destroy_at           timestamptz,
    check (start_at < end_at),
    check ((signing_key is null) = (state = 'PENDING')),
    -- What makes a second key of a slot impossible.
    unique (time_aware_issuer_id, cohort, slot)
);
create index time_aware_keys_live on time_aware_keys (time_aware_issuer_id)
    where state in ('PENDING', 'PUBLISHED', 'ACTIVE', 'VERIFY_ONLY');

-- The key log: leaves, the full nodes of the Merkle tree over them, and its right edge.
create table key_log (
    position  bigint      primary key,
    type      text        not null,
    tenant    text        not null,
    time      timestamptz not null,
    leaf      bytea       not null,
    leaf_hash bytea       not null
);
create table key_log_node (
    level smallint not null,
    index bigint   not null,
    hash  bytea    not null,
    primary key (level, index)
);
create table key_log_edge (
    only_row boolean primary key default true check (only_row),
    size     bigint  not null,
    hashes   bytea[] not null
);
insert into key_log_edge (size, hashes) values (0, '{}');
create table key_log_head (
    size bigint      primary key,
    root bytea       not null,
    time timestamptz not null,
    jws  text        not null
);

create function key_log_is_append_only() returns trigger language plpgsql as $$
begin
    raise exception '% is append-only', tg_table_name using errcode = 'insufficient_privilege';
end $$;
create trigger key_log_is_append_only before update or delete or truncate on key_log
    for each statement execute function key_log_is_append_only();
create trigger key_log_node_is_append_only before update or delete or truncate on key_log_node
    for each statement execute function key_log_is_append_only();
