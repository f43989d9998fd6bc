"""Measurements that settle the product's defaults."""
