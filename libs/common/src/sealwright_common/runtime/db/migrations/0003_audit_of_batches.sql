-- Rows of several calls in one append, for work that commits them together: who did it is told row by row, and the rows
-- go in by one statement, so that the head row is locked for as short as can be. `audit_append` stays for
-- instances of the version before.
create function audit_append_rows(
    entries bytea[], p_occurred_at timestamptz, tenants text[], callers text[], methods text[], request_ids text[],
    traces text[], actions text[], targets text[], details text[]
) returns void language plpgsql as $$
declare
    head audit_head;
    first bigint;
    hashes bytea[];
begin
    select * into strict head from audit_head for update;
    first := head.seq;
    for i in 1 .. cardinality(entries) loop
        head.seq := head.seq + 1;
        head.hash := sha256(head.hash || int8send(head.seq) || entries[i]);
        hashes[i] := head.hash;
    end loop;
    insert into audit_log
    select first + n, p_occurred_at, tenant, caller, method, request_id, trace, action, target, detail, hash
    from unnest(tenants, callers, methods, request_ids, traces, actions, targets, details, hashes)
        with ordinality as new (tenant, caller, method, request_id, trace, action, target, detail, hash, n);
    update audit_head set seq = head.seq, hash = head.hash;
end $$;
