create transient table if not exists raw.load_manifest (
    file varchar not null,
    feed varchar not null,
    file_size bigint not null,
    file_modified_ns bigint not null,
    sha256 varchar,
    status varchar not null,
    row_count bigint not null,
    row_parsed bigint not null,
    duplicate_count bigint not null,
    error_count bigint not null,
    blank_count bigint not null,
    first_error_message varchar,
    first_error_line bigint,
    first_error_column varchar,
    dialect varchar,
    -- Declared for readers: Snowflake enforces no primary key. The loader gives each number once.
    load_seq bigint primary key,
    checked_at timestamp_ntz not null,
    loaded_at timestamp_ntz not null
);
comment on table raw.load_manifest is 'One row per file content taken in: row_count lines = row_parsed + duplicate_count + error_count + blank_count. checked_at is when the file was last seen to be as it was loaded.';
