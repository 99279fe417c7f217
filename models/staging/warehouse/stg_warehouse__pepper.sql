with

source as (

    select * from {{ source('warehouse', 'pepper') }}

),

renamed as (

    select pepper as pepper from source

)

select * from renamed
