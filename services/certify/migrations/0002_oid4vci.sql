-- OpenID4VCI: issuers, offers, access tokens, what was used once, deferred issuances, notifications, certificates.
-- Codes, tokens and transaction ids are stored as SHA-256 of their 256 random bits.

create table oid4vci_issuer (
    path text primary key,
    tenant text not null,
    version integer not null,
    document json not null,
    update_time timestamptz not null
);
create index oid4vci_issuer_of_tenant on oid4vci_issuer (tenant, path);

create table oid4vci_offer (
    id uuid primary key,
    tenant text not null,
    issuer text not null,
    configuration_ids text[] not null,
    expires timestamptz not null,
    code_hash bytea unique,
    issuer_state_hash bytea unique,
    -- The offer object and the pushed claims go when the offer is over.
    document json,
    claims json,
    subject text,
    code_mode text,
    code_length integer,
    code_salt bytea,
    code_digest bytea,
    code_description text,
    tries_left integer not null,
    state text not null check (state in ('PENDING', 'REDEEMED', 'LOCKED', 'CANCELLED'))
);
create index oid4vci_offer_of_tenant on oid4vci_offer (tenant, id);
create index oid4vci_offer_over on oid4vci_offer (expires) where claims is not null;

create table oid4vci_access (
    token_hash bytea primary key,
    tenant text not null,
    issuer text not null,
    grant_key bytea not null,
    configuration_ids text[] not null,
    identifiers json not null,
    client_id text,
    thumbprint text,
    subject text,
    offer_id uuid,
    expires timestamptz not null
);
create index oid4vci_access_over on oid4vci_access (expires);

-- Nonces and DPoP proofs that were used. Unlogged would forget them in a crash.
create table oid4vci_once (
    kind text not null,
    value bytea not null,
    until timestamptz not null,
    primary key (kind, value)
);
create index oid4vci_once_over on oid4vci_once (until);

create table oid4vci_transaction (
    hash bytea primary key,
    id uuid not null unique,
    tenant text not null,
    issuer text not null,
    grant_key bytea not null,
    configuration_id text not null,
    keys json not null,
    access json not null,
    created timestamptz not null,
    expires timestamptz not null,
    state text not null check (state in ('PENDING', 'APPROVED', 'DENIED', 'DELIVERED'))
);
create index oid4vci_transaction_of_tenant on oid4vci_transaction (tenant, id);

create table oid4vci_notification (
    hash bytea primary key,
    tenant text not null,
    grant_key bytea not null,
    credential_ids uuid[] not null,
    event text,
    event_time timestamptz
);

-- Secrets all replicas share: the nonces' MAC key and the keys requests are encrypted to. Sealed by the service.
create table oid4vci_secret (
    kind text not null,
    id text not null,
    sealed bytea not null,
    created timestamptz not null default clock_timestamp(),
    primary key (kind, id)
);

-- Certificates for the issuing keys of the signer.
create table issuer_certificate (
    tenant text not null,
    key_id text not null,
    chain bytea[] not null,
    expires timestamptz not null,
    primary key (tenant, key_id)
);
create index issuer_certificate_ending on issuer_certificate (expires);
