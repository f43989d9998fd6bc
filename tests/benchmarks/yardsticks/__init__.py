"""Programs that run beside a copy of the package, in processes of their own, and know no harness."""
