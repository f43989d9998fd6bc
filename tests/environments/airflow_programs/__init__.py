"""Programs that `tests/environments/airflow.py` runs with Airflow's Python."""
