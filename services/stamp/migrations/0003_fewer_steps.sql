-- COMMITTED and ISSUED are recorded together now: what was between them is asked for once more, and is ISSUED then.
insert into certificate_due (row_id, due_time) select row_id, now() from certificate where state = 'COMMITTED'
    on conflict (row_id) do update set due_time = excluded.due_time;
update certificate set state = 'SENT', due_time = now() where state = 'COMMITTED';
update certificate set stuck_state = 'SENT' where stuck_state = 'COMMITTED';

-- The door reads recipient and key in the transaction that stores the certificate, with the key locked, and neither is
-- ever deleted: looking both up again for every row took a tenth of what it costs to store one.
alter table certificate
    drop constraint certificate_tenant_recipient_id_fkey,
    drop constraint certificate_key_id_fkey;
