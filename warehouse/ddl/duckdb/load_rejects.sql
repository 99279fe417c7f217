create table if not exists raw.load_rejects (
    file varchar not null,
    line bigint not null,
    reason varchar not null,
    raw varchar not null,
    load_seq bigint not null,
    repaired_seq bigint
);
comment on table raw.load_rejects is 'One row per line refused, with the reason and the exact text; bytes that are not UTF-8 as \xNN. repaired_seq is the load that took its repair.';
