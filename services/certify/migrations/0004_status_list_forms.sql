-- A status list is signed in as many forms as verifiers ask for (JWT, CWT).
create table status_list_form (
    list_id uuid not null references status_list,
    media_type text not null,
    version integer not null,
    payload bytea not null,
    etag text not null,
    renew_time timestamptz not null,
    -- Key and certificates; another key or chain makes the list be signed anew.
    signed_by text not null,
    primary key (list_id, media_type)
);

insert into status_list_form (list_id, media_type, version, payload, etag, renew_time, signed_by)
select id, media_type, signed_version, convert_to(signed_payload, 'UTF8'), etag, renew_time, ''
from status_list where signed_version is not null;

alter table status_list
    drop column signed_version,
    drop column signed_payload,
    drop column etag,
    drop column media_type,
    drop column renew_time;
