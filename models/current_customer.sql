{{ config(materialized='incremental', incremental_strategy='merge', unique_key='id', by_key='customer') }}

select {{ columns('customer') }}
from {{ source('customer', 'winners') }}
