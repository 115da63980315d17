-- Keys, the issuers of the schedule, and spent tokens.

-- One row per key, for ever: a destroyed key keeps its public half. signing_key is a PKCS#11 URI or a wrapped blob,
-- never a plain key. The slot columns are all set or all null.
create table signing_key (
    tenant text not null,
    id uuid not null,
    algorithm text not null,
    purpose text not null,
    protection text not null check (protection in ('HSM', 'WRAPPED')),
    state text not null,
    previous_state text,
    disabled boolean not null default false,
    public_key bytea not null,
    token_key_id bytea,
    signing_key text not null,
    labels jsonb not null default '{}',
    issuer_type text,
    issuer_cohort integer check (issuer_cohort between 1 and 32767),
    slot bigint check (slot >= 0),
    valid_from timestamptz,
    valid_to timestamptz check (valid_to > valid_from),
    created_time timestamptz not null,
    destroy_time timestamptz,
    version bigint not null,
    primary key (tenant, id),
    check (num_nulls(issuer_type, issuer_cohort, slot, valid_from, valid_to) in (0, 5)),
    check (signing_key = '' or signing_key like 'pkcs11:%' or signing_key like 'file:%' or signing_key like 'wrapped:%'),
    check ((state = 'DESTROYED') = (signing_key = '')),
    check ((state = 'DESTROY_SCHEDULED') <= (destroy_time is not null))
);

-- A slot of an issuer has one key, whoever asks for a second.
create unique index signing_key_slot on signing_key (tenant, issuer_type, issuer_cohort, slot);
create index signing_key_window on signing_key (tenant, issuer_type, issuer_cohort, valid_to);
create index signing_key_token on signing_key (tenant, token_key_id) where token_key_id is not null;
create index signing_key_destroy on signing_key (destroy_time) where state = 'DESTROY_SCHEDULED';

-- Time-aware issuers as the rotator last told of them.
create table issuer (
    tenant text not null,
    issuer_type text not null,
    buffer integer not null check (buffer >= 0),
    overlap integer not null check (overlap >= 0 and buffer + overlap >= 1),
    max_tokens integer not null check (max_tokens >= 1),
    allow_legacy_protocol boolean not null,
    signing boolean not null,
    expires_at timestamptz,
    version bigint not null,
    primary key (tenant, issuer_type)
);

-- Answers of the work queue, by which a repeated request gets the same bytes.
create table queue_answer (
    tenant text not null,
    queue text not null,
    request_id text not null,
    digest bytea not null check (octet_length(digest) = 32),
    answer bytea not null,
    answer_time timestamptz not null,
    primary key (tenant, queue, request_id)
);
create index queue_answer_time on queue_answer (answer_time);

-- Spent tokens. A record outlives the end of its token's key by the leeway, so that no token is ever spent twice.
create table redemption (
    tenant text not null,
    token_id bytea not null check (octet_length(token_id) = 32),
    id uuid not null,
    key_id uuid not null,
    issuer_type text not null,
    issuer_cohort integer not null,
    binding bytea not null check (octet_length(binding) = 32),
    redeem_time timestamptz not null,
    keep_until timestamptz not null,
    primary key (tenant, token_id)
);
create index redemption_keep on redemption (keep_until);
