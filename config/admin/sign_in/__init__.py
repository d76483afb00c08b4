"""Sign-in of operators, their sessions and second factors.

- ``attempts``: limits of sign-in.
- ``hashing``: bounded password hashing.
- ``operators``: who is signed in.
- ``proof``: asking for the password again.
- ``recovery``: new recovery codes.
- ``sealing``: encrypted second factors.
- ``sessions``: sessions that end in time.
- ``two_factor``: time-based codes and recovery codes.
- ``users``: operators and their roles.
"""
