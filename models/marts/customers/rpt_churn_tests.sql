with

churn_risk as (

    select * from {{ ref('rpt_churn_risk') }}

),

counted as (

    select
        source_system,
        had_come_back_90_days_ago as had_come_back,
        risk_90_days_ago as risk,
        case risk_90_days_ago
            when 'low' then 1
            when 'medium' then 2
            when 'high' then 3
            when 'very high' then 4
        end as risk_rank,
        max(as_of_date) as as_of_date,
        count(*) as customers,
        count(case when has_bought_since then 1 end) as customers_who_came_back
    from churn_risk
    where risk_90_days_ago is not null
    group by source_system, had_come_back_90_days_ago, risk_90_days_ago

),

compared as (

    select
        *,
        lag(customers_who_came_back) over (
            partition by source_system, had_come_back order by risk_rank nulls last
        ) as came_back_of_lower_risk,
        lag(customers) over (
            partition by source_system, had_come_back order by risk_rank nulls last
        ) as customers_of_lower_risk
    from counted

),

final as (

    select
        source_system,
        had_come_back,
        risk,
        as_of_date - 90 as known_until_date,
        as_of_date,
        cast(customers as bigint) as customers,
        cast(customers_who_came_back as bigint) as customers_who_came_back,
        {{ share('customers_who_came_back', 'customers') }} as share_who_came_back,
        {{ wilson_bound('customers_who_came_back', 'customers', 'lower') }}
            as share_low,
        {{ wilson_bound('customers_who_came_back', 'customers', 'upper') }}
            as share_high,
        -- Crosswise, in whole numbers: a share is not rounded before it is compared.
        case
            when risk_rank > 1
                then
                    customers_who_came_back * customers_of_lower_risk
                    < came_back_of_lower_risk * customers
        end as is_below_lower_risk
    from compared

)

select * from final
