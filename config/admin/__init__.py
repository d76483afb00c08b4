"""What every admin page shares.

- ``apps``: the admin's app config.
- ``site``: the site and its menu.
- ``model_admin``: base class of model pages.
- ``actions``: actions with a confirmation page.
- ``operators``: who is signed in.
- ``changelist``: lists of millions of rows.
- ``filters``: filters of lists.
- ``form_fields``: fields of forms.
- ``csv_export``: a list as CSV.
- ``related_tables``: small tables on a page.
- ``charts``: SVG charts.
- ``error_pages``: errors as pages.
- ``two_factor``: sign-in and second factor.
- ``management``: commands.
- ``migrations``: its migrations.
- ``templatetags``: tags of its templates.
- ``users``: operators' accounts.
- ``attempts``: limits of sign-in.
- ``hashing``: bounded password hashing.
- ``checks``: system checks.
- ``listing``: hostile parameters of lists.
- ``middleware``: middleware of the admin.
- ``models``: tables of the admin.
- ``once``: forms that act once.
- ``proof``: asking for the password again.
- ``sealing``: encrypted second factors.
- ``sessions``: sessions that end in time.
"""
