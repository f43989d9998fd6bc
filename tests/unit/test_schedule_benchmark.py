"""The default polling schedule is worth its requests, by the benchmark that chose it."""
