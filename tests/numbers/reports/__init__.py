"""Tests of numbers.reports."""
