create transient table if not exists raw.erasures (
    erasure_id varchar not null,
    kind varchar not null,
    identity_hash varchar not null,
    erased_at timestamp_ntz not null
);
comment on table raw.erasures is 'One row per identity to forget: a keyed hash, never the identity itself. Records older than erased_at come in without it.';
