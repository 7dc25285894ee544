"""Catalog and store: schema, build, filters, queries, export."""
