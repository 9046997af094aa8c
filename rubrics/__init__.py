"""Rubrics and constitutions as YAML files."""
