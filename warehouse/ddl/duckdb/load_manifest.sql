create table if not exists raw.load_manifest (
    file varchar not null,
    feed varchar not null,
    sha256 varchar not null,
    file_size bigint not null,
    status varchar not null,
    row_count bigint not null,
    row_parsed bigint not null,
    error_count bigint not null,
    blank_count bigint not null,
    first_error_message varchar,
    first_error_line bigint,
    load_seq bigint not null,
    loaded_at timestamp not null,
    primary key (file, sha256)
);
comment on table raw.load_manifest is 'One row per file content taken in: row_count lines = row_parsed + error_count + blank_count.';
