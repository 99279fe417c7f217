create transient table if not exists raw.web_order_lines (
    invoiceno varchar not null,
    stockcode varchar not null,
    description varchar,
    quantity integer not null,
    invoicedate timestamp_ntz not null,
    unitprice decimal(18, 4) not null,
    customerid varchar,
    country varchar,
    _copy integer not null,
    _file varchar not null,
    _line bigint not null,
    _load_seq bigint not null,
    _loaded_at timestamp_ntz not null
);
comment on table raw.web_order_lines is 'One row per invoice line of the web store, as it came, in its local time; _copy tells equal lines apart.';
