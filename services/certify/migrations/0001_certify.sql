-- Tenants, keys, definitions, attestations, holders, processes, credentials, status lists.

create table tenant (
    name text primary key,
    did text not null unique,
    key_issuer text not null,
    display_name text not null,
    dcp json not null,
    create_time timestamptz not null,
    version integer not null
);

-- Certify's copy of the key schedule. The rotator owns it; events and snapshots bring it here.
create table issuer_key (
    tenant text not null,
    issuer text not null,
    key_id text not null,
    slot bigint not null,
    algorithm text not null,
    public_key bytea not null,
    window_start timestamptz not null,
    window_end timestamptz not null,
    state text not null,
    version bigint not null,
    verify_until timestamptz,
    primary key (tenant, issuer, key_id)
);

create table credential_definition (
    tenant text not null,
    id text not null,
    version integer not null,
    body json not null,
    create_time timestamptz not null,
    primary key (tenant, id, version)
);

-- Which version of a definition is in use.
create table definition_head (
    tenant text not null,
    id text not null,
    version integer not null,
    deleted boolean not null default false,
    attestations text[] not null,
    primary key (tenant, id)
);

create table attestation_definition (
    tenant text not null,
    id text not null,
    type text not null,
    configuration json not null,
    update_time timestamptz not null,
    primary key (tenant, id)
);

-- The attestation table: what is known about one DID.
create table attestation (
    tenant text not null,
    did text not null,
    attributes json not null,
    create_time timestamptz not null,
    update_time timestamptz not null,
    primary key (tenant, did)
);

-- Onboarding may add rows and neither read, change nor delete them; the database itself sees to it. Roles belong to the
-- whole server, so that another database of the same server may have made them already, or be making them right now.
do $$
begin
    begin
        create role sealwright_onboarding nologin;
    exception when duplicate_object or unique_violation then null;
    end;
    begin
        create role sealwright_attestor nologin;
    exception when duplicate_object or unique_violation then null;
    end;
    -- The service inserts in the onboarding role's name; making a role does not yet let one act in it.
    execute format('grant sealwright_onboarding, sealwright_attestor to %I', current_user);
    execute format('grant usage on schema %I to sealwright_onboarding, sealwright_attestor', current_schema());
    grant insert on attestation to sealwright_onboarding;
    grant select, insert, update, delete on attestation to sealwright_attestor;
end $$;

create table holder (
    tenant text not null,
    did text not null,
    display_name text not null,
    attributes json not null,
    create_time timestamptz not null,
    primary key (tenant, did)
);

create table offer (
    id uuid primary key,
    tenant text not null,
    holder_did text not null,
    definition_ids text[] not null,
    reason text not null,
    attempts integer not null default 0,
    deadline timestamptz not null,
    next_time timestamptz,
    delivered boolean
);
create index offer_due on offer (next_time) where next_time is not null;

create table issuance_process (
    id uuid primary key,
    tenant text not null,
    parent_id uuid,
    state text not null check (state in ('SUBMITTED', 'APPROVED', 'DELIVERED', 'ERRORED')),
    version integer not null,
    protocol text not null,
    protocol_version text not null,
    holder_did text not null,
    holder_pid text not null,
    definition_ids text[] not null,
    definition_versions integer[] not null,
    claims json not null,
    access_token bytea,
    submitter text not null,
    approvals json not null,
    approvals_required integer not null,
    approval_deadline timestamptz,
    phase text,
    attempts integer not null,
    next_attempt_time timestamptz,
    delivery_deadline timestamptz,
    outcome_unknown boolean not null,
    error text,
    error_detail text not null,
    rejection_reason text not null,
    create_time timestamptz not null,
    update_time timestamptz not null
);
-- One running process per holder and holderPid: what makes a repeated request the same request.
create unique index issuance_process_running on issuance_process (tenant, holder_did, holder_pid)
    where state in ('SUBMITTED', 'APPROVED');
create index issuance_process_due on issuance_process (phase, (attempts > 0), next_attempt_time) where phase is not null;
create index issuance_process_expiring on issuance_process (approval_deadline)
    where state = 'SUBMITTED' and approval_deadline is not null;
create index issuance_process_unfinished on issuance_process (tenant, state, id) where state <> 'DELIVERED';
create index issuance_process_of_tenant on issuance_process (tenant, id);
-- What changed lately, for those who watch.
create index issuance_process_changed on issuance_process (tenant, update_time);
create index issuance_process_of_holder on issuance_process (tenant, holder_did, id);

-- A row without payload is a credential about to be signed: its id and status entries are reserved.
create table credential (
    id uuid primary key,
    tenant text not null,
    process_id uuid not null,
    position integer not null,
    definition_id text not null,
    definition_version integer not null,
    holder_did text not null,
    valid_from timestamptz not null,
    valid_until timestamptz,
    credential_type text,
    format text,
    key_id text,
    payload text,
    state text not null default 'VALID' check (state in ('VALID', 'SUSPENDED', 'REVOKED')),
    version integer not null default 0,
    unique (process_id, position)
);
create index credential_of_holder on credential (tenant, holder_did, id);
create index credential_of_tenant on credential (tenant, id);
create index credential_of_key on credential (tenant, key_id, valid_until desc nulls first);

create table status_list (
    id uuid primary key,
    tenant text not null,
    kind text not null,
    purpose text not null,
    uri text not null,
    size integer not null,
    used integer not null default 0,
    seed bytea not null,
    version integer not null default 0,
    signed_version integer,
    signed_payload text,
    etag text,
    media_type text,
    renew_time timestamptz
);
create index status_list_open on status_list (tenant, kind, purpose, id) where used < size;
create index status_list_of_tenant on status_list (tenant, id);

create table status_entry (
    list_id uuid not null references status_list,
    idx integer not null,
    credential_id uuid not null,
    place smallint not null,
    value smallint not null default 0,
    primary key (list_id, idx)
);
create index status_entry_of_credential on status_entry (credential_id);
create index status_entry_set on status_entry (list_id, idx) where value <> 0;

-- Token ids that were seen; a second use of one is a replay. Unlogged would forget them in a crash.
create table used_token (
    issuer text not null,
    jti text not null,
    until timestamptz not null,
    primary key (issuer, jti)
);
create index used_token_over on used_token (until);
