-- Tables every service has beside its own: events going out, events come in, answers given, deeds done.

-- Events of committed transactions. Rows are written once, never updated, and deleted after the retention: autovacuum
-- has one dead tuple per row to clear and the payload is never copied. The identity must not be cached: seq is taken
-- while the transaction holds its aggregates' row locks, which is what makes it rise in commit order per aggregate.
create table outbox (
    seq               bigint generated always as identity primary key,
    id                uuid        not null,
    type              text        not null,
    aggregate_id      text        not null,
    aggregate_version bigint      not null,
    tenant            text        not null,
    occurred_at       timestamptz not null,
    trace             text        not null,
    payload           bytea       not null,
    recorded_at       timestamptz not null default clock_timestamp()
) with (autovacuum_vacuum_scale_factor = 0.02, autovacuum_vacuum_insert_scale_factor = 0.05);

-- What of the outbox is not published yet; the relay deletes from here, so this table stays a few pages.
create table outbox_pending (
    seq bigint primary key
) with (autovacuum_vacuum_scale_factor = 0, autovacuum_vacuum_threshold = 5000,
        autovacuum_vacuum_insert_threshold = 5000, autovacuum_vacuum_insert_scale_factor = 0);

-- Events done, per consumer: the only authority on "once".
create table inbox (
    consumer text        not null,
    event_id uuid        not null,
    done_at  timestamptz not null default clock_timestamp(),
    primary key (consumer, event_id)
);
create index inbox_done_at on inbox (done_at);

-- Events that could not be handled, with everything needed to handle them again.
create table dead_letter (
    id                uuid        primary key default gen_random_uuid(),
    consumer          text        not null,
    event_id          uuid        not null,
    type              text        not null,
    aggregate_id      text        not null,
    aggregate_version bigint      not null,
    tenant            text        not null,
    occurred_at       timestamptz not null,
    headers           text        not null,  -- a JSON object of strings
    payload           bytea       not null,
    reason            text        not null,  -- a Reason, or the exception's type
    detail            text        not null,
    deliveries        integer     not null,
    state             text        not null default 'dead' check (state in ('dead', 'requeued', 'done')),
    died_at           timestamptz not null default clock_timestamp(),
    unique (consumer, event_id)
);
create index dead_letter_requeued on dead_letter (consumer, died_at) where state = 'requeued';

-- The answer of each mutation, by the caller's request id.
create table idempotency (
    tenant      text        not null,
    caller      text        not null,
    method      text        not null,
    request_id  text        not null,
    digest      bytea       not null,
    answer      bytea       not null,
    answered_at timestamptz not null default clock_timestamp(),
    primary key (tenant, caller, method, request_id)
);
create index idempotency_answered_at on idempotency (answered_at);

-- The audit log: each row's hash covers its own content, its number and the hash of the row before.
create table audit_log (
    seq         bigint      primary key,
    occurred_at timestamptz not null,
    tenant      text        not null,
    caller      text        not null,
    method      text        not null,
    request_id  text        not null,
    trace       text        not null,
    action      text        not null,
    target      text        not null,
    detail      text        not null,  -- canonical JSON
    hash        bytea       not null
);
create table audit_head (
    only_row boolean primary key default true check (only_row),
    seq      bigint  not null,
    hash     bytea   not null
);
insert into audit_head (seq, hash) values (0, decode(repeat('00', 32), 'hex'));

create function audit_log_is_append_only() returns trigger language plpgsql as $$
begin
    raise exception 'audit_log is append-only' using errcode = 'insufficient_privilege';
end $$;
create trigger audit_log_is_append_only before update or delete or truncate on audit_log
    for each statement execute function audit_log_is_append_only();

-- Appends rows in one round trip, because the head row stays locked from here to the commit: one writer at a time.
-- entries[i] is the canonical form of row i; hash = SHA-256(hash of the row before || number as int8 || entry).
create function audit_append(
    entries bytea[], p_occurred_at timestamptz, p_tenant text, p_caller text, p_method text, p_request_id text, p_trace text,
    actions text[], targets text[], details text[]
) returns void language plpgsql as $$
declare
    head audit_head;
begin
    select * into strict head from audit_head for update;
    for i in 1 .. cardinality(entries) loop
        head.seq := head.seq + 1;
        head.hash := sha256(head.hash || int8send(head.seq) || entries[i]);
        insert into audit_log values (head.seq, p_occurred_at, p_tenant, p_caller, p_method, p_request_id, p_trace,
                                      actions[i], targets[i], details[i], head.hash);
    end loop;
    update audit_head set seq = head.seq, hash = head.hash;
end $$;
