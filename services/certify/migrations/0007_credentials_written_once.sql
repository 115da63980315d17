-- A credential's row and status entries are written once, with its signed bytes. What was only reserved is forgotten:
-- its processes take fresh ids and entries.
delete from status_entry where credential_id in (select id from credential where payload is null);
delete from credential where payload is null;
alter table credential
    alter column credential_type set not null,
    alter column format set not null,
    alter column key_id set not null,
    alter column payload set not null;

-- Lists are never deleted, and entries come from the lists themselves: looking and locking for each entry guards nothing.
alter table status_entry drop constraint status_entry_list_id_fkey;
