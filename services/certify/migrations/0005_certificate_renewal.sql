-- When a chain was stored: it is renewed after two thirds of what it was good for then.
alter table issuer_certificate add column stored timestamptz not null default clock_timestamp();

-- When operators were last told that a key needs a certificate from outside.
create table certificate_due (
    tenant text not null,
    key_id text not null,
    told timestamptz not null,
    primary key (tenant, key_id)
);
