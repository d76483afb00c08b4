"""Counters of a minute that are exact across processes and hosts: they count in the database they share."""

WINDOW_SECONDS = 60

# One statement counts what it inserts and tells: atomic under any number of processes. The window is a minute.
# A request that waited for the row past the end of its minute finds the next one begun, and counts
# there: to start its old minute again would drop the count of everybody else. A window further ahead
# is from a clock that was wrong, and is dropped. Follows "ON CONFLICT (…)"; the table's alias is w.
ONE_MORE = """
    DO UPDATE SET (used, window_start) = (
        SELECT CASE WHEN going_on THEN w.used + EXCLUDED.used ELSE EXCLUDED.used END,
               CASE WHEN going_on THEN w.window_start ELSE EXCLUDED.window_start END
        FROM (SELECT w.window_start BETWEEN EXCLUDED.window_start AND EXCLUDED.window_start + interval '1 minute')
             AS window_of_row (going_on))
    RETURNING used, ceil(extract(epoch FROM window_start + interval '1 minute' - clock_timestamp()))::int AS resets_in
"""
