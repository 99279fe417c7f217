with

order_units as (

    select * from {{ ref('stg_pos__order_units') }}

),

pepper as (

    select * from {{ ref('stg_warehouse__pepper') }}

),

buyers as (

    -- One buyer per order; a correction of one unit speaks for the whole basket.
    select
        order_id,
        nullif(lower(trim(email)), '') as email,
        nullif(lower(trim(customer_name)), '') as customer_name,
        nullif(trim(postcode), '') as postcode,
        -- +33 6 and 0033 6 are the international forms of 06.
        case
            when left(phone_digits, 4) = '0033' then '0' || substr(phone_digits, 5)
            when left(phone_digits, 2) = '33' and length(phone_digits) = 11
                then '0' || substr(phone_digits, 3)
            else nullif(phone_digits, '')
        end as phone
    from (
        select
            *,
            {{ digits_only('phone') }} as phone_digits
        from order_units
    ) as with_digits
    qualify
        row_number() over (
            partition by order_id
            order by load_seq desc, load_line desc
        ) = 1

),

emails_by_phone as (

    -- A shared phone does not make two names one customer, and two e-mails on one phone
    -- are not guessed between.
    select
        phone,
        customer_name,
        min(email) as email
    from buyers
    where phone is not null and customer_name is not null
    group by phone, customer_name
    having min(email) = max(email)

),

with_email as (

    select
        buyers.order_id,
        buyers.customer_name,
        buyers.postcode,
        buyers.phone,
        coalesce(buyers.email, emails_by_phone.email) as email
    from buyers
    left join emails_by_phone
        on
            buyers.phone = emails_by_phone.phone
            and buyers.customer_name = emails_by_phone.customer_name

),

known_by_place as (

    -- Two phones or two e-mails under one name in one postcode are two people, and
    -- neither is chosen.
    select
        customer_name,
        postcode,
        case
            when min(email) = max(email) and count(distinct phone) <= 1 then min(email)
        end as email,
        case when min(phone) = max(phone) then min(phone) end as phone
    from with_email
    where customer_name is not null and postcode is not null
    group by customer_name, postcode

),

identified as (

    select
        with_email.order_id,
        coalesce(with_email.email, known_by_place.email) as email,
        coalesce(with_email.phone, known_by_place.phone) as phone,
        with_email.customer_name,
        with_email.postcode
    from with_email
    left join known_by_place
        on
            with_email.customer_name = known_by_place.customer_name
            and with_email.postcode = known_by_place.postcode

),

resolved as (

    select
        identified.order_id,
        case
            when identified.email is not null
                then {{ keyed_hash('pepper.pepper', "'email|' || identified.email") }}
            when identified.phone is not null
                then {{ keyed_hash(
                    'pepper.pepper',
                    "'phone|' || identified.phone || '|' || coalesce(identified.customer_name, '')"
                ) }}
            when identified.customer_name is not null and identified.postcode is not null
                then {{ keyed_hash(
                    'pepper.pepper',
                    "'name|' || identified.customer_name || '|' || identified.postcode"
                ) }}
            else 'unknown'
        end as customer_id
    from identified
    cross join pepper

)

select * from resolved
