with

source as (

    select * from {{ source('web', 'web_order_lines') }}

),

renamed as (

    select
        -- ids: lines have no number, so they are counted in an order that needs no file
        trim(invoiceno) as invoice_number,
        row_number() over (
            partition by trim(invoiceno)
            order by
                stockcode asc,
                invoicedate asc,
                quantity asc,
                unitprice asc,
                description asc nulls last,
                customerid asc nulls last,
                country asc nulls last,
                invoiceno asc,
                _copy asc
        ) as line_number,
        upper(trim(stockcode)) as stock_code,
        -- Exports write a missing customer in many ways; -1 would be the best of all.
        case
            when
                lower(trim(customerid))
                not in ('', '-1', '0', 'nan', 'null', 'none', 'n/a')
                then trim(customerid)
        end as customer_number,

        -- strings
        {{ clean_text('description') }} as description,
        nullif(trim(country), '') as country,

        -- numbers
        quantity as quantity,
        unitprice as unit_price,
        _copy as copy_number,
        _copy > 1 as is_repeated,
        _load_seq as load_seq,

        -- times
        cast(invoicedate as date) as invoice_date,
        {{ utc_from_local('invoicedate') }} as invoiced_at

    from source

)

select * from renamed
