create transient table if not exists raw.load_rejects (
    file varchar not null,
    line bigint not null,
    reason varchar not null,
    -- A line of 16 MiB that is not UTF-8 has four times as many characters, as \xNN.
    raw varchar(134217728) not null,
    load_seq bigint not null,
    repaired_seq bigint
);
comment on table raw.load_rejects is 'One row per line refused, with the reason and the exact text; bytes that are not UTF-8 as \\xNN. repaired_seq is the load that took its repair.';
