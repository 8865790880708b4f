-- One row for each living customer: the record that wins over all others of its key.
{{ config(materialized='incremental', incremental_strategy='merge', unique_key='id', by_key='customer') }}

select {{ columns('customer') }}
from {{ source('customer', 'winners') }}
