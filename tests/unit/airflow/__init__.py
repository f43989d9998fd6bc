"""Tests of the Airflow integration; those of modules that import Airflow are skipped without it."""
