create transient table if not exists raw.load_duplicates (
    file varchar not null,
    line bigint not null,
    line_count bigint not null,
    kind varchar not null,
    load_seq bigint not null
);
comment on table raw.load_duplicates is 'One row per run of lines that stand in raw already: line_count lines from line on, in_file when the first copy is in the same file, else known.';
