with

missing_values as (

    select * from {{ ref('fct_missing_values') }}

),

final as (

    select
        source_system,
        records,
        attribute,
        rows_counted,
        rows_without_value,
        {{ share('rows_without_value', 'rows_counted') }} as share_missing,
        case
            when records = 'till_orders' and attribute = 'email'
                then 'she is known again by phone, or by her name and place'
            when records = 'till_orders' and attribute = 'phone'
                then 'she is known again by e-mail, or by her name and place'
            when attribute = 'email_and_phone'
                then 'her next order may count as another customer'
            when attribute = 'address'
                then 'the sale counts in no region and no country'
            when records = 'till_orders' and attribute = 'price'
                then 'the catalogue price of that day is taken'
            when attribute = 'discount'
                then 'no discount is taken'
            when attribute = 'refund'
                then 'what had been paid is taken'
            when records = 'web_lines' and attribute = 'customer'
                then 'unknown, if no other line of the invoice names one'
            when attribute = 'description'
                then 'the item is called as other lines call it'
            when records = 'web_lines' and attribute = 'price'
                then 'a gift, or stock put right: it adds no amount'
            when attribute = 'customer' and source_system = 'shops'
                then 'partner shops tell no customer: none is ranked for it'
            when attribute = 'customer'
                then 'the sale counts, and no customer is ranked for it'
            when attribute = 'region' and source_system = 'web'
                then 'the web store tells no postcode: France as a whole'
            when attribute = 'region'
                then 'the sale counts in no region'
            when attribute = 'country'
                then 'the sale counts in no country'
            when attribute = 'store'
                then 'the sale counts in no store'
            when attribute = 'channel'
                then 'the sale is neither online nor in a store'
            when attribute = 'price'
                then 'the units count, and add no amount'
            when attribute = 'catalogue_item'
                then 'an item of its own, without founder, style and finish'
            when attribute = 'sale'
                then 'the return changes no net figure'
            when attribute = 'reason'
                then 'nobody knows why it came back'
        end as what_it_means
    from missing_values

)

select * from final
