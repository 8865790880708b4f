"""The hourly job as an Airflow DAG. Exit code 75 (another run works) is skipped, 69 (broker or service away) is retried."""
from datetime import datetime, timedelta

from airflow import DAG
from airflow.operators.bash import BashOperator

with DAG(
    "elt", schedule="@hourly", start_date=datetime(2026, 1, 1), catchup=False, max_active_runs=1,
    default_args={"retries": 3, "retry_delay": timedelta(minutes=5)},
) as dag:
    BashOperator(task_id="run", bash_command="cd /srv/elt && elt run --quiet", skip_on_exit_code=75)
