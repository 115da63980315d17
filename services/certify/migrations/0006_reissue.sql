-- Keys whose holders are still to be offered new credentials, and up to which holder that has happened.
create table reissue (
    tenant text not null,
    method text not null,
    reason text not null,
    after_did text not null default '',
    primary key (tenant, method, reason)
);
