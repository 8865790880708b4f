{{ config(materialized='incremental', incremental_strategy='insert_overwrite', partition_by='day', unique_key='id', by_key='customer', carry_forward={'changed': 0}) }}

select _on_day as day, {{ columns('customer') }}, _day = _on_day as changed
from {{ source('customer', 'daily_winners') }}
