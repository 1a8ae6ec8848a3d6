"""Foresight: what hourly figures of the past say of today and of the weeks to come.

Pure functions over numbers: nothing here knows of Prefect, of SQL or of the clock. `series` is the
form of the figures, `measures` says what is watched and when a person has to know, `baseline` what
would be usual, `levels` and `shares` where it is not, `capacity` when something is full, `causes`
why that may be, and `outlook` puts it all together into alerts.
"""
