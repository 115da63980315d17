-- Payloads are written and read once or twice and are ids, signatures and ciphertext for the most part: compressing them
-- takes a fifth of the database's time and saves little.
alter table outbox alter column payload set storage external;
