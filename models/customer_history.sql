-- One row for each day and each customer living at its end: the record that wins among those of days
-- up to it. A day starts as the day before; `changed` is 1 where the winner is of this very day.
{{ config(
    materialized='incremental', incremental_strategy='insert_overwrite', partition_by='day',
    unique_key='id', by_key='customer', carry_forward={'changed': 0}
) }}

select _on_day as day, _day = _on_day as changed, {{ columns('customer') }}
from {{ source('customer', 'daily_winners') }}
