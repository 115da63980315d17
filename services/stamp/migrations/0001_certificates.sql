-- Recipients, certificates, their transactions, their history, the withdrawn feed and imports.

-- One row per wallet endpoint key, whichever recipients or tenants use it: its row lock serialises the choice of
-- positions, and (key, position) below is unique, so that two slices never share an owner key.
create table wallet_key (
    id bigint generated always as identity primary key,
    public_key bytea not null unique check (octet_length(public_key) = 74)
);

create table recipient (
    tenant text not null,
    id uuid not null,
    key_id bigint not null references wallet_key,
    endpoint_url text not null,
    create_time timestamptz not null,
    primary key (tenant, id),
    unique (tenant, key_id, endpoint_url)
);

create table certificate (
    row_id bigint generated always as identity primary key,
    tenant text not null,
    registry text not null,
    certificate_id uuid not null,
    recipient_id uuid not null,
    key_id bigint not null references wallet_key,
    metering_point_id text not null,
    type text not null,
    quantity bigint not null check (quantity between 0 and 4294967295),
    start_time timestamptz not null,
    end_time timestamptz not null check (end_time > start_time),
    grid_area text not null,
    clear_text jsonb not null,
    hashed jsonb not null,
    on_clash text not null,
    allow_clear_text_quantity boolean not null,
    digest bytea not null,
    position integer not null check (position >= 0),
    blinding bytea not null check (octet_length(blinding) = 32),
    state text not null,
    -- the state a STUCK certificate resumes in
    stuck_state text check ((state = 'STUCK') = (stuck_state is not null)),
    reason text not null default '',
    delivery text not null default 'NONE',
    delivery_reason text not null default '',
    delivery_attempts integer not null default 0,
    delivery_deadline timestamptz,
    -- until when the slice is in the hands of a process that posts it
    claimed_until timestamptz,
    -- tries in the present state; the back-off is computed from it
    attempts integer not null default 0,
    -- when a sweeper may take the certificate up, if its event has not done so before
    due_time timestamptz,
    version integer not null,
    create_time timestamptz not null,
    update_time timestamptz not null,
    foreign key (tenant, recipient_id) references recipient (tenant, id),
    unique (tenant, certificate_id, registry),
    unique (key_id, position)
) with (fillfactor = 85);

create unique index certificate_measurement on certificate (tenant, metering_point_id, start_time, end_time)
    where state not in ('FAILED', 'WITHDRAWN');
create index certificate_due on certificate (due_time) where due_time is not null;
create index certificate_under_way on certificate (update_time)
    where state in ('STORED', 'SENT', 'COMMITTED', 'WITHDRAWING');
create index certificate_trouble on certificate (tenant, state, row_id) where state in ('STUCK', 'FAILED');
create index certificate_undelivered on certificate (tenant, row_id) where delivery = 'UNDELIVERABLE';
create index certificate_recipient on certificate (tenant, recipient_id, row_id);

-- The exact bytes of a transaction, stored before they are sent for the first time and never changed.
create table submission (
    row_id bigint not null references certificate,
    kind text not null check (kind in ('ISSUE', 'WITHDRAW')),
    signing_key_id text not null,
    transaction_id text not null,
    transaction bytea not null,
    prepare_time timestamptz not null,
    sent_time timestamptz,
    sends integer not null default 0,
    primary key (row_id, kind)
);

create table certificate_history (
    row_id bigint not null references certificate,
    version integer not null,
    state text not null,
    event text not null,
    reason text not null,
    time timestamptz not null,
    primary key (row_id, version)
);

-- The counter's row is locked until its transaction ends: ids become visible in order and leave no gap.
create table withdrawn_counter (
    tenant text primary key,
    last_id bigint not null
);

create table withdrawn (
    tenant text not null,
    id bigint not null,
    row_id bigint not null unique references certificate,
    time timestamptz not null,
    primary key (tenant, id)
);

create table measurement_import (
    tenant text not null,
    import_id text not null,
    plan_digest bytea not null,
    resume_offset bigint not null,
    line bigint not null,
    row_count bigint not null,
    accepted_count bigint not null,
    repeated_count bigint not null,
    zero_count bigint not null,
    refused_count bigint not null,
    done boolean not null,
    update_time timestamptz not null,
    primary key (tenant, import_id)
);
