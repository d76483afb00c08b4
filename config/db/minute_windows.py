"""Counters for each minute, kept in the database and so exact across processes and hosts."""

WINDOW_SECONDS = 60

# One statement counts and returns the count, atomically. The window is a minute. A request may wait
# for the row until the next minute has begun. It counts there, because restarting its old minute
# would drop the other counts. A window further ahead is from a wrong clock and is replaced.
# The text follows "ON CONFLICT (…)"; the table's alias is w.
ONE_MORE = """
    DO UPDATE SET (used, window_start) = (
        SELECT CASE WHEN going_on THEN w.used + EXCLUDED.used ELSE EXCLUDED.used END,
               CASE WHEN going_on THEN w.window_start ELSE EXCLUDED.window_start END
        FROM (SELECT w.window_start BETWEEN EXCLUDED.window_start AND EXCLUDED.window_start + interval '1 minute')
             AS window_of_row (going_on))
    RETURNING used, ceil(extract(epoch FROM window_start + interval '1 minute' - clock_timestamp()))::int AS resets_in
"""
