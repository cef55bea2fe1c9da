"""Render the tables of the evaluation as Markdown, from reports in results/. Nothing is measured here.

A renderer takes one or more reports and returns a table, without its sources. There is one module for the tables of
each script. tables.py contains the registry of the tables in the documentation; the measuring scripts print some of
them as well.
"""
