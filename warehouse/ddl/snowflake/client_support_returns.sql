create transient table if not exists raw.client_support_returns (
    txid varchar not null,
    rfid varchar not null,
    return_time timestamp_ntz not null,
    reason varchar,
    refund_amount decimal(12, 2),
    _file varchar not null,
    _line bigint not null,
    _load_seq bigint not null,
    _loaded_at timestamp_ntz not null
);
comment on table raw.client_support_returns is 'One row per unit given back, every version of it, as it came.';
