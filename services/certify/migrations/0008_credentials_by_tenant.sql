-- Credentials are looked up with their tenant everywhere: one index for both, and one less to write.
alter table credential drop constraint credential_pkey, add primary key (tenant, id);
drop index credential_of_tenant;
